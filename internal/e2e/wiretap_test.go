package e2e_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// moment is a place around the last commit of a source, as a broker sees it.
type moment string

const (
	beforeCommit moment = "before the last commit"         // its records have been sent, nobody has them
	commitAsked  moment = "last commit asked for"          // the broker has the records, not the request
	commitDone   moment = "last commit done, not answered" // the producer does not know
	commitKnown  moment = "last commit answered"           // the producer knows, and closes its connection
)

// Keys of the Kafka protocol.
const (
	apiProduce = 0
	apiEndTxn  = 26
)

// wiretap stands between a producer of files and its broker and calls strike
// once, at a moment of one camera: the program under test needs no hook for it.
// While strike is under way that connection stands still. Records must not be
// compressed.
type wiretap struct {
	listener net.Listener
	broker   string
	camera   string
	at       moment
	strike   func()

	mu     sync.Mutex // guards the following
	ending bool       // the records of the camera's end have been seen
	struck bool
}

// newWiretap listens; listen then goes to the broker's address.
func newWiretap(t testing.TB, camera string, at moment) *wiretap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return &wiretap{listener: l, camera: camera, at: at}
}

func (w *wiretap) addr() string { return w.listener.Addr().String() }

// listen passes connections on to the broker until the listener is closed.
func (w *wiretap) listen(t testing.TB, broker string, strike func()) {
	t.Helper()
	w.broker, w.strike = broker, strike
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.pass(client) })
		}
	})
	t.Cleanup(func() { w.listener.Close(); all.Wait() })
}

func (w *wiretap) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.broker)
	if err != nil {
		return
	}
	defer server.Close()
	watched := make(chan uint32, 1) // correlation id of the last commit's request
	var back sync.WaitGroup
	back.Go(func() {
		defer client.Close()
		for {
			answer, err := readMessage(server)
			if err != nil {
				return
			}
			select {
			case id := <-watched:
				if binary.BigEndian.Uint32(answer[4:]) == id {
					w.reached(commitDone)
				} else {
					watched <- id
				}
			default:
			}
			if _, err := client.Write(answer); err != nil {
				return
			}
		}
	})
	last := false
	for {
		request, err := readMessage(client)
		if err != nil {
			break
		}
		if w.isLast(request) {
			last = true
			w.reached(commitAsked)
			watched <- binary.BigEndian.Uint32(request[8:])
		}
		if _, err := server.Write(request); err != nil {
			break
		}
	}
	if last {
		w.reached(commitKnown)
	}
	server.Close()
	back.Wait()
}

// isLast reports whether a request commits the camera's last sightings.
func (w *wiretap) isLast(request []byte) bool {
	switch binary.BigEndian.Uint16(request[4:]) {
	case apiProduce:
		if bytes.Contains(request, []byte(`"outcome":"`)) && bytes.Contains(request, []byte(`"camera":"`+w.camera+`"`)) {
			w.mu.Lock()
			w.ending = true
			w.mu.Unlock()
			w.reached(beforeCommit)
		}
	case apiEndTxn:
		w.mu.Lock()
		defer w.mu.Unlock()
		was := w.ending && bytes.Contains(request, []byte("sightlog."+w.camera))
		w.ending = w.ending && !was
		return was
	}
	return false
}

// reached strikes when this is the moment, the first time.
func (w *wiretap) reached(at moment) {
	w.mu.Lock()
	now := w.at == at && !w.struck
	w.struck = w.struck || now
	w.mu.Unlock()
	if now {
		w.strike()
	}
}

// hasStruck reports whether the moment has come.
func (w *wiretap) hasStruck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.struck
}

// readMessage reads a request or an answer, its length in front.
func readMessage(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	b := append(head, make([]byte, binary.BigEndian.Uint32(head))...)
	_, err := io.ReadFull(r, b[4:])
	return b, err
}
