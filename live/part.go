package live

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Widths are those in which pictures are encoded, in pixels. A wish between them gets the next one.
var Widths = []int{320, 480, 640, 960, 1280, 1920}

// WidthFor returns the width of Widths for a wish.
func WidthFor(wish int) int {
	for _, w := range Widths {
		if wish <= w {
			return w
		}
	}
	return Widths[len(Widths)-1]
}

// Picture is a frame of a camera and what was detected in it.
type Picture struct {
	Camera     string         `json:"camera"`
	Run        string         `json:"run"`
	Seq        int64          `json:"seq"`
	CapturedAt event.Time     `json:"captured_at"`
	Frame      event.Size     `json:"frame"`              // size of the frame, in whose pixels the boxes are
	Objects    []event.Object `json:"objects"`            // those of the frame's sighting
	Width      int            `json:"width"`              // of Widths; the picture is no wider than its frame
	Hidden     string         `json:"hidden,omitempty"`   // the reason for which there is no picture, in words
	Recorded   bool           `json:"recorded,omitempty"` // of a file: captured_at is computed
	JPEG       []byte         `json:"-"`
}

// Camera is the state of a camera.
type Camera struct {
	ID      string    `json:"id"`
	State   string    `json:"state"` // opening, running, ended; lost: its detect is gone
	Live    bool      `json:"live"`
	FPS     float64   `json:"fps"` // frames a second that the detector ran on
	People  int       `json:"people"`
	Newest  time.Time `json:"newest,omitzero"`   // when the newest frame was received
	Problem string    `json:"problem,omitempty"` // in words
	Privacy string    `json:"privacy,omitempty"` // faces or people, where they are hidden
}

// Status is the state of cameras. A camera that is not in it is not known to the sender.
type Status struct {
	Now     time.Time `json:"now"` // by the sender's clock
	Cameras []Camera  `json:"cameras"`
}

// Part is a Picture or a Status; the other is nil.
type Part struct {
	Picture *Picture `json:"picture,omitempty"`
	Status  *Status  `json:"status,omitempty"`
}

// Limits of a part, in bytes.
const (
	maxHead = 4 << 20
	maxJPEG = 16 << 20
)

// WritePart writes the part: two lengths of 4 bytes, most significant first, of the JSON and of the
// JPEG, then both. It makes one call of Write.
func WritePart(w io.Writer, p Part) error {
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var jpeg []byte
	if p.Picture != nil {
		jpeg = p.Picture.JPEG
	}
	b := make([]byte, 8, 8+len(head)+len(jpeg))
	binary.BigEndian.PutUint32(b, uint32(len(head)))
	binary.BigEndian.PutUint32(b[4:], uint32(len(jpeg)))
	b = append(append(b, head...), jpeg...)
	_, err = w.Write(b)
	return err
}

// ReadPart reads one part. At the end of the stream the error is io.EOF.
func ReadPart(r io.Reader) (p Part, err error) {
	var lengths [8]byte
	if _, err := io.ReadFull(r, lengths[:]); err != nil {
		return p, err
	}
	head, jpeg := binary.BigEndian.Uint32(lengths[:]), binary.BigEndian.Uint32(lengths[4:])
	if head > maxHead || jpeg > maxJPEG {
		return p, fmt.Errorf("a part of %d and %d bytes is larger than any", head, jpeg)
	}
	b := make([]byte, int(head)+int(jpeg))
	if _, err := io.ReadFull(r, b); err != nil {
		return p, errors.Join(io.ErrUnexpectedEOF, err)
	}
	if err := json.Unmarshal(b[:head], &p); err != nil {
		return p, fmt.Errorf("read a part: %w", err)
	}
	switch {
	case (p.Picture == nil) == (p.Status == nil):
		return p, errors.New("a part is neither a picture nor a status")
	case p.Picture != nil:
		p.Picture.JPEG = b[head:]
	case jpeg > 0:
		return p, errors.New("a status has a picture")
	}
	return p, nil
}
