// Package rtsptest gives tests a camera: an RTSP server over TCP that hands a
// publisher's packets to its readers, and has the faults of a camera.
package rtsptest

import (
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
)

// Server is one camera with one path.
type Server struct {
	Addr   string
	Silent atomic.Bool  // sockets stay open, nothing is sent
	Keep   atomic.Bool  // a new publisher feeds the readers of the one before
	Plays  atomic.Int64 // readers that began to play

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
		addr = "127.0.0.1:0"
	}
	s := &Server{}
	s.server = &gortsplib.Server{Handler: s, RTSPAddress: addr}
	require.Eventually(t, func() bool { return s.server.Start() == nil }, 5*time.Second, 10*time.Millisecond)
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
	return s.current()
}

// OnPlay counts a reader.
func (s *Server) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.Plays.Add(1)
	return ok(), nil
}

// OnRecord hands the publisher's packets on.
func (s *Server) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	ctx.Session.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stream != nil && s.by == ctx.Session && !s.Silent.Load() {
			s.stream.WritePacketRTP(s.stream.Desc.Medias[0], p) //nolint:errcheck // a reader that went
		}
	})
	return ok(), nil
}
