package postgres

import (
	"net/url"
)

// statement is one of those that set the cluster up. done is the SQLSTATE which means
// that it was done before.
type statement struct{ done, sql string }

// readerRights set the role Reader up. It can read every table that Role has and will
// have, and can neither write nor reach other sessions or files, whatever statement it
// runs. By default PostgreSQL lets every role take advisory locks (migrations wait for
// one), create large objects, emit WAL and signal sessions of the same role; here only
// Role may.
var readerRights = []statement{
	{"", "REVOKE TEMPORARY ON DATABASE " + Database + " FROM PUBLIC"},
	{"", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"},
	{"", "GRANT ALL ON SCHEMA public TO " + Role},
	{"", `DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND (p.proname IN ('pg_terminate_backend', 'pg_cancel_backend', 'pg_notify', 'pg_logical_emit_message', 'pg_export_snapshot', 'lowrite', 'loread')
             OR p.proname LIKE 'lo\_%' OR p.proname LIKE 'pg\_advisory\_%' OR p.proname LIKE 'pg\_try\_advisory\_%') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        IF f::text NOT LIKE 'lo\_import%' AND f::text NOT LIKE 'lo\_export%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ` + Role + `', f);
        END IF;
    END LOOP;
END $$`},
	{"", "ALTER ROLE " + Reader + " SET default_transaction_read_only = on"},
	{"", "ALTER DEFAULT PRIVILEGES FOR ROLE " + Role + " GRANT SELECT ON TABLES TO " + Reader},
	{"", "ALTER DEFAULT PRIVILEGES FOR ROLE " + Role + " GRANT USAGE ON SCHEMAS TO " + Reader},
	{"", `DO $$
DECLARE s name;
BEGIN
    FOR s IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO ` + Reader + `', s);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO ` + Reader + `', s);
    END LOOP;
END $$`},
	{"", "ALTER ROLE " + Reader + " LOGIN"}, // last: until then it cannot connect, and awaitReady sees that the set-up is incomplete
}

// ReaderURL returns the address of a private server's Database for the role Reader. Any
// other address is returned unchanged: Reader has rights in Database only.
func ReaderURL(address string) string {
	u, private := privateURL(address)
	if !private || u.Path != "/"+Database {
		return address
	}
	u.User = url.User(Reader)
	return u.String()
}
