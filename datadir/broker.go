package datadir

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/usage"
)

// openBroker opens the bundled broker. An error that a user can fix is a *usage.Error.
func openBroker(cfg broker.Config) (*broker.Broker, error) {
	b, err := broker.Open(cfg)
	var network *net.OpError
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, usage.Wrap(err, "stop what listens there, or give another --listen", "--listen %s: the port is taken", cfg.Listen)
	case errors.As(err, &network) && network.Op == "listen":
		return nil, usage.Wrap(err, "give HOST:PORT of this machine", "--listen %s: %v", cfg.Listen, network.Err)
	case errors.Is(err, syscall.EACCES) && errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return nil, usage.Wrap(err, "give a --data you may write to", "%v", err)
	case errors.Is(err, broker.ErrInsecure):
		return nil, usage.Wrap(err, "listen on 127.0.0.1; sightlogd broker listens elsewhere with --users", "--listen %s: anybody could write to it", cfg.Listen)
	case errors.Is(err, broker.ErrLocked):
		return nil, usage.Wrap(err, "stop it, or give another --data", "%s: in use by another sightlog", cfg.Dir)
	case errors.Is(err, broker.ErrNewerFormat):
		return nil, usage.Wrap(err, "update sightlog, or give another --data", "%s: made by a newer sightlog", cfg.Dir)
	}
	return nil, fmt.Errorf("open broker: %w", err)
}
