package web

import (
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/sightlog/sightlog/usage"
)

// ListenPprof serves the profiles of this process at /debug/pprof/ on host:port. They show
// command lines and memory, so an address beyond this machine is refused; like one that
// cannot be used, with a *usage.Error.
func ListenPprof(addr string) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usage.New("give HOST:PORT", "--pprof %s: it is no address", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage.New("give 127.0.0.1:PORT, and reach it through ssh -L", "--pprof %s: profiles are served on loopback only", addr)
	}
	l, err := listen("--pprof", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return serve(l, mux), nil
}
