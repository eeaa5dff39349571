package live_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/live"
)

func TestReadPart_WhatWasWritten_TheSame(t *testing.T) {
	t.Parallel()
	id := int64(7)
	parts := []live.Part{
		{Picture: &live.Picture{
			Camera: "höf", Run: "r", Seq: 3, Frame: event.Size{Width: 8, Height: 6}, Width: 640, JPEG: []byte("jpeg"),
			Objects: []event.Object{{Label: "person", Score: .5, Box: event.Box{1, 2, 3, 4}, TrackID: &id, Zones: []string{"door"}}},
		}},
		{Status: &live.Status{Cameras: []live.Camera{{ID: "a", State: "ended", Problem: "why"}}}},
		{Picture: &live.Picture{Camera: "a", Hidden: "it cannot be shown", JPEG: []byte{}}},
	}
	var b bytes.Buffer
	for _, p := range parts {
		require.NoError(t, live.WritePart(&b, p))
	}
	for _, want := range parts {
		got, err := live.ReadPart(&b)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := live.ReadPart(&b)
	require.Equal(t, io.EOF, err)
}

func TestReadPart_LengthsThatLie_RefusedBeforeMemory(t *testing.T) {
	t.Parallel()
	for _, lengths := range [][2]uint32{{1 << 31, 0}, {2, 1 << 31}, {^uint32(0), ^uint32(0)}} {
		b := binary.BigEndian.AppendUint32(nil, lengths[0])
		b = binary.BigEndian.AppendUint32(b, lengths[1])
		_, err := live.ReadPart(io.MultiReader(bytes.NewReader(b), endless{}))
		require.ErrorContains(t, err, "larger than any")
	}
}

// endless has bytes for ever.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func FuzzReadPart(f *testing.F) {
	var b bytes.Buffer
	require.NoError(f, live.WritePart(&b, live.Part{Picture: &live.Picture{Camera: "a", JPEG: []byte("j")}}))
	f.Add(b.Bytes())
	f.Add([]byte("\x00\x00\x00\x02\x00\x00\x00\x01{}x"))
	f.Add([]byte("\x00\x00\x00\x0d\x00\x00\x00\x01{\"status\":{}}x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := live.ReadPart(bytes.NewReader(in))
		if err != nil {
			return
		}
		var out bytes.Buffer
		require.NoError(t, live.WritePart(&out, p))
		again, err := live.ReadPart(&out)
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}
