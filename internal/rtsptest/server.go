// Package rtsptest gives tests a camera: an RTSP server that hands a
// publisher's packets to its readers, and has the faults of a camera.
package rtsptest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// Server is one camera with one path.
type Server struct {
	Addr   string
	Silent atomic.Bool  // sockets stay open, nothing is sent
	Keep   atomic.Bool  // a new publisher feeds the readers of the one before
	Plays  atomic.Int64 // readers that began to play
	UDP    atomic.Int64 // readers that were set up for UDP

	// Faults of a camera.
	NoTCP        atomic.Bool  // refuses RTP over TCP (461)
	NoUDP        atomic.Bool  // as that
	Refuses      atomic.Int64 // status of its answer to DESCRIBE; 0: none
	ClosesAtPlay atomic.Bool  // the connection
	Describes    atomic.Int64 // requests

	records atomic.Int64 // publishers that began

	server *gortsplib.Server

	mu     sync.Mutex // guards the following
	stream *gortsplib.ServerStream
	by     *gortsplib.ServerSession
}

// Start starts a server that is closed when the test ends. With addr "" it
// takes a free port; else that of one before, as soon as it is free.
func Start(t testing.TB, addr string) *Server {
	t.Helper()
	if addr == "" {
		addr = testenv.FreeAddr(t)
	}
	s := &Server{}
	require.Eventually(t, func() bool {
		udp := 20000 + 2*rand.IntN(5000) // RTP's port is even (RFC 3550)
		s.server = &gortsplib.Server{
			Handler: s, RTSPAddress: addr,
			UDPRTPAddress: fmt.Sprintf("127.0.0.1:%d", udp), UDPRTCPAddress: fmt.Sprintf("127.0.0.1:%d", udp+1),
		}
		return s.server.Start() == nil
	}, 5*time.Second, 10*time.Millisecond)
	s.Addr = s.server.NetListener().Addr().String()
	t.Cleanup(s.Close)
	return s
}

// Close cuts all connections.
func (s *Server) Close() {
	s.server.Close()
	s.server.Wait() //nolint:errcheck // says that it was closed
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		s.stream.Close()
		s.stream = nil
	}
}

// URL has a password that must not be seen anywhere.
func (s *Server) URL() string { return "rtsp://user:s3cret@" + s.Addr + "/cam" }

func ok() *base.Response { return &base.Response{StatusCode: base.StatusOK} }

// OnSessionClose implements gortsplib's handler, as the following do.
func (s *Server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Session == s.by && !s.Keep.Load() && s.stream != nil {
		s.stream.Close()
		s.stream, s.by = nil, nil
	}
}

func (s *Server) current() (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return ok(), s.stream, nil
}

// OnDescribe answers a reader.
func (s *Server) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	s.Describes.Add(1)
	if status := s.Refuses.Load(); status != 0 {
		return &base.Response{StatusCode: base.StatusCode(status)}, nil, nil
	}
	return s.current()
}

// OnAnnounce takes a publisher.
func (s *Server) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		s.stream = &gortsplib.ServerStream{Server: s.server, Desc: ctx.Description}
		if err := s.stream.Initialize(); err != nil {
			return nil, err
		}
	}
	s.by = ctx.Session
	return ok(), nil
}

// OnSetup answers a publisher or a reader.
func (s *Server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return ok(), nil, nil
	}
	tcp := ctx.Transport.Protocol == gortsplib.ProtocolTCP
	if tcp && s.NoTCP.Load() || !tcp && s.NoUDP.Load() {
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	if !tcp {
		s.UDP.Add(1)
	}
	return s.current()
}

// OnPlay counts a reader.
func (s *Server) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.Plays.Add(1)
	if s.ClosesAtPlay.Load() {
		ctx.Conn.Close()
	}
	return ok(), nil
}

// OnRecord hands the publisher's packets on.
func (s *Server) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.records.Add(1)
	ctx.Session.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stream != nil && s.by == ctx.Session && !s.Silent.Load() {
			s.stream.WritePacketRTP(s.stream.Desc.Medias[0], p) //nolint:errcheck // a reader that went
		}
	})
	return ok(), nil
}
