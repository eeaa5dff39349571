package testenv

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

var given sync.Map // addresses that FreeAddr has returned

// FreeAddr returns an address on loopback that is free until the test listens on
// it, also between two servers on it. Its port is below those that the kernel gives
// to clients and to servers on port 0 (ip_local_port_range), of which another test may
// take any at any moment.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		l.Close()
		if _, before := given.LoadOrStore(addr, true); !before {
			return addr
		}
	}
	t.Fatal("no port of 127.0.0.1 is free")
	return ""
}
