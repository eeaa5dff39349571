package broker

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzRequest gives a broker any bytes as a request's frame. Nothing may panic;
// what is decoded is answered, in a way that can be encoded.
func FuzzRequest(f *testing.F) {
	b, err := Open(Config{Dir: f.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, b.Close()) })
	for key, a := range b.apis {
		for version := a.min; version <= a.max; version++ {
			req := kmsg.RequestForKey(key)
			req.SetVersion(version)
			if d, ok := req.(interface{ Default() }); ok {
				d.Default()
			}
			f.Add(new(kmsg.RequestFormatter).AppendRequest(nil, req, 1)[4:])
		}
	}
	b.stop() // nothing waits
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) > 2 {
			if key := binary.BigEndian.Uint16(frame); key == 19 || key == 37 {
				t.Skip("making ten thousand directories at a time only takes time")
			}
		}
		client, server := net.Pipe()
		defer client.Close()
		defer server.Close()
		s := newSession(b, server)
		p, err := s.Handle(frame)
		if err != nil {
			return
		}
		if resp := p.Reply(); resp != nil {
			resp.AppendTo(nil)
			if r, ok := resp.(wire.Pooled); ok {
				r.Done()
			}
		}
	})
}
