package postgres

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// privateURL parses an address that clusterDir.url returned, with parameters that were
// added to it. For any other, private is false.
func privateURL(address string) (u *url.URL, private bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" || u.Host != "" || u.User == nil {
		return nil, false
	}
	role := u.User.Username()
	params := parameters(u)
	dir := params.Get("host")
	private = (role == Role || role == Reader || role == super) && params.Get("port") == "5432" && filepath.IsAbs(dir) &&
		(filepath.Base(dir) == runName || strings.HasPrefix(filepath.Base(dir), socketPrefix))
	return u, private
}

// privateConfig configures a client of a private server field by field: neither the
// environment (PGHOST, PGSERVICE, PGTARGETSESSIONATTRS, …) nor files in the user's home
// directory have an effect.
func privateConfig(address string) (cfg *pgxpool.Config, private bool, err error) {
	u, private := privateURL(address)
	if !private {
		return nil, false, nil
	}
	empty, err := emptyConfig()
	if err != nil {
		return nil, true, err
	}
	cfg = empty.Copy()
	c := cfg.ConnConfig
	params := parameters(u)
	c.Host, c.Port = params.Get("host"), 5432
	c.User, c.Database = u.User.Username(), strings.TrimPrefix(u.Path, "/")
	c.RuntimeParams = map[string]string{}
	for name := range params {
		if name != "host" && name != "port" {
			c.RuntimeParams[name] = params.Get(name)
		}
	}
	return cfg, true, nil
}

// emptyConfig returns a configuration that the environment has not changed. pgx creates
// one only by parsing, which reads PG… variables: they are unset while it parses.
var emptyConfig = sync.OnceValues(func() (*pgxpool.Config, error) {
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PG") && os.Unsetenv(name) == nil {
			defer os.Setenv(name, value)
		}
	}
	cfg, err := pgxpool.ParseConfig("host=/ port=5432 user=" + Role + " dbname=" + Database + " sslmode=disable passfile=/dev/null connect_timeout=5")
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	return cfg, nil
})
