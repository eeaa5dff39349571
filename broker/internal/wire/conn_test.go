package wire

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sized is a response of so many bytes that notes the room it was encoded into.
type sized struct {
	kmsg.FetchResponse
	size, room int
}

func (s *sized) Size() int { return s.size }
func (s *sized) Encoded()  {}
func (s *sized) Done()     {}

func (s *sized) AppendTo(dst []byte) []byte {
	s.room = cap(dst) - len(dst)
	return append(dst, make([]byte, s.size)...)
}

// A response is encoded into a buffer that has room for it: a buffer that grows is
// garbage for each response.
func TestSend_PooledResponse_HasRoom(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 100, 4<<10 - 10, 4 << 10, 1 << 20, 20 << 20} {
		server, client := net.Pipe()
		defer client.Close()
		go func() { _, _ = io.Copy(io.Discard, client) }() // ends with the pipe
		c := &Conn{nc: server, ctx: context.Background(), opt: &Options{WriteTimeout: time.Minute}}
		resp := &sized{size: size}
		require.NoError(t, c.send(Pending{Flexible: true}, resp))
		require.GreaterOrEqual(t, resp.room, size)
		server.Close()
	}
}

func TestBuffers_From64KiB_AtMostTwiceAsLarge(t *testing.T) {
	t.Parallel()
	for n := 64 << 10; n < 20<<20; n += n / 7 {
		buf := GetBuffer(n)
		require.Len(t, *buf, n)
		require.LessOrEqual(t, cap(*buf), 2*n)
		PutBuffer(buf)
	}
}
