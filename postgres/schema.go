package postgres

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// The parameters of a URL that say where the tables are. "schema" names one
// schema and nothing else is searched; "search_path" is a list of schemas, as
// the server reads it: the first that exists has the tables. Without either it
// is the server's own search path, as a rule "public".
const (
	searchPath  = "search_path"
	schemaParam = "schema"
)

// WithSchema returns the address with its tables in a schema; "" leaves it unchanged. An
// invalid name, or a URL with another schema, is a *usage.Error.
func WithSchema(address, schema string) (string, error) {
	if schema == "" {
		return address, nil
	}
	if err := validSchema("--schema", schema); err != nil {
		return "", err
	}
	if u, err := url.Parse(address); err == nil && strings.Contains(address, "://") {
		params := parameters(u)
		for _, name := range []string{schemaParam, searchPath} {
			if v, ok := params[name]; ok && v[0] != schema {
				return "", usage.New("give one of them", "--schema %s: the database's URL says %s=%s", schema, name, v[0])
			}
		}
	}
	return OtherSchema(address, schema), nil
}

// OtherSchema returns the address with a schema in place of the one that it may name.
func OtherSchema(address, schema string) string {
	if !strings.Contains(address, "://") { // libpq's keyword=value
		return address + " " + schemaParam + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(schema) + "'"
	}
	u, err := url.Parse(address)
	if err != nil {
		return address // Open reports the error
	}
	params := parameters(u)
	params.Del(searchPath)
	params.Set(schemaParam, schema)
	return withParameters(u, params)
}

// PsqlURL returns the address that a pool was opened with as psql and other
// programs on libpq take it: they do not know the parameters "schema" and
// "search_path", but "options".
func PsqlURL(address string, pool *pgxpool.Pool) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	params := parameters(u)
	if !params.Has(schemaParam) && !params.Has(searchPath) {
		return address
	}
	params.Del(schemaParam)
	params.Del(searchPath)
	// A pooler that refuses the parameter has it set in the database.
	if path := pool.Config().ConnConfig.RuntimeParams[searchPath]; path != "" {
		options := strings.NewReplacer(`\`, `\\`, ` `, `\ `).Replace(path)
		params.Set("options", strings.TrimSpace(params.Get("options")+" -csearch_path="+options))
	}
	return withParameters(u, params)
}

// parameters and withParameters read and write a URL's parameters as libpq and
// pgx do: a plus stands for itself, not for a space.
func parameters(u *url.URL) url.Values {
	plain := *u
	plain.RawQuery = strings.ReplaceAll(u.RawQuery, "+", "%2B")
	return plain.Query()
}

func withParameters(u *url.URL, params url.Values) string {
	changed := *u
	changed.RawQuery = strings.ReplaceAll(params.Encode(), "+", "%20")
	return changed.String()
}

// setSearchPath turns the parameter schema into the server's search_path.
func setSearchPath(params map[string]string) error {
	schema, named := params[schemaParam]
	if !named {
		return nil
	}
	if _, both := params[searchPath]; both {
		return usage.New("give one of them", "--database-url has both schema and search_path")
	}
	if err := validSchema("--database-url: schema", schema); err != nil {
		return err
	}
	delete(params, schemaParam)
	params[searchPath] = pgx.Identifier{schema}.Sanitize()
	return nil
}

func validSchema(where, name string) error {
	switch {
	case name == "", len(name) > 63, strings.ContainsRune(name, 0):
		return usage.New("give a name of 1 to 63 bytes, such as sightlog", "%s %q cannot be a schema", where, name)
	case strings.HasPrefix(name, "pg_"), name == "information_schema":
		return usage.New("give another name, such as sightlog", "%s %q: PostgreSQL keeps that name for itself", where, name)
	}
	return nil
}

// samePath reports whether two search paths are the same, quoted or not.
func samePath(a, b string) bool {
	plain := func(s string) string { return strings.NewReplacer(`"`, "", " ", "").Replace(s) }
	return plain(a) == plain(b)
}
