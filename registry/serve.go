package registry

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Config of a registry.
type Config struct {
	Listen string            // host:port
	Kafka  kafka.Config      // reaches the broker
	Users  map[string]string // password by name, of who may use it; nil: everybody on this machine
	TLS    *tls.Config       // nil: plain HTTP
	Log    *slog.Logger      // default: discard
}

// Bounds of requests and of stopping.
const (
	headerTime   = 5 * time.Second
	requestTime  = 30 * time.Second
	maxHeader    = 64 << 10
	shutdownTime = 2 * time.Second
)

// Server is a registry that is served over HTTP.
type Server struct {
	registry *Registry
	listener net.Listener
	server   *http.Server
	secure   bool
}

// Open reads the registry from its topic and listens. The broker must be serving.
func Open(ctx context.Context, c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, usage.Wrap(err, "give another address, or off", "--registry-listen %s: %v", c.Listen, usage.Cause(err))
	}
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() && len(c.Users) == 0 {
		l.Close()
		return nil, usage.New("listen on 127.0.0.1, or run the broker with --users", "--registry-listen %s: anybody could change schemas", c.Listen)
	}
	r := &Registry{logger: c.Log, log: &topicLog{cfg: c.Kafka}}
	if r.state, err = r.log.load(ctx); err != nil {
		l.Close()
		return nil, fmt.Errorf("read the schema registry: %w", err)
	}
	s := &Server{registry: r, listener: l, secure: c.TLS != nil}
	if c.TLS != nil {
		s.listener = tls.NewListener(l, c.TLS)
	}
	s.server = &http.Server{
		Handler:           guard(c.Users, r.routes()),
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: 2 * requestTime, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Addr is where the registry listens: host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is Addr as clients take it.
func (s *Server) URL() string {
	if s.secure {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(s.listener) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		if s.server.Shutdown(stop) != nil {
			_ = s.server.Close() // requests that last longer are cut
		}
		cancel()
		err = <-done
	}
	s.registry.log.close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// guard lets requests pass of users, if there are any, and else those of this machine that are not
// a web page's: neither of another site in a browser here (CSRF), nor by a name that such a site has
// pointed here (DNS rebinding).
func guard(users map[string]string, next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case cross.Check(r) != nil:
			writeError(w, refuse(http.StatusForbidden, "requests of other sites are refused"))
		case len(users) > 0 && !known(users, r):
			w.Header().Set("WWW-Authenticate", `Basic realm="schema registry"`)
			writeError(w, refuse(http.StatusUnauthorized, "Unauthorized"))
		case len(users) == 0 && !namesThisMachine(r.Host):
			writeError(w, refuse(http.StatusMisdirectedRequest, "use the address 127.0.0.1 or the name localhost"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// known reports whether a request has the name and password of a user.
func known(users map[string]string, r *http.Request) bool {
	name, password, _ := r.BasicAuth()
	want, there := users[name]
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && there
}

func namesThisMachine(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
