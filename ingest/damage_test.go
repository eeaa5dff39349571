package ingest_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
)

// ffmpeg runs ffmpeg with the arguments between spaces, in a directory.
func ffmpeg(t *testing.T, dir, args string) {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-y"}, strings.Fields(args)...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", args, out)
}

const (
	fourSeconds = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -pix_fmt yuv420p "
	halfDropped = "-vf select='not(mod(n,7))+lt(n,20)' -vsync vfr "
)

// Files that declare, or seem to, more frames than they show.
func TestWholeFile_WhateverItDeclares_IsNotDamaged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make   []string // the last makes "out" with its ending
		frames int
	}{
		"edit.mp4":    {[]string{fourSeconds + "-c:v libx264 -g 50 -bf 2 in.mp4", "-ss 1.3 -i in.mp4 -c copy edit.mp4"}, 67},
		"rate.mkv":    {[]string{fourSeconds + halfDropped + "-c:v libx264 rate.mkv"}, 32},
		"null.avi":    {[]string{fourSeconds + halfDropped + "-c:v mpeg4 null.avi"}, 32},
		"bframes.avi": {[]string{fourSeconds + "-c:v libxvid -bf 2 bframes.avi"}, 98}, // packed; the encoder begins with two empty ones
		"song.mp3":    {[]string{fourSeconds + "-frames:v 1 cover.jpg", "-f lavfi -i sine=d=3 -i cover.jpg -map 0 -map 1 -c:v mjpeg -disposition:v attached_pic song.mp3"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, args := range c.make {
				ffmpeg(t, dir, args)
			}
			all, err := drain(t, open(t, filepath.Join(dir, name), ingest.Options{Pace: ingest.Fast}))
			require.Equal(t, io.EOF, err)
			require.Len(t, all, c.frames)
		})
	}
}

// The frames that B-frames hold back come after the error of the packet that
// was cut.
// The decoder has frames in hand when the damage comes, in as many threads as there
// are cores.
func TestCutMP4_BFrames_GivesAllItsGoodFrames(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, dir, "-f lavfi -i testsrc2=size=320x240:rate=25:duration=1 -c:v libx264 -pix_fmt yuv420p -movflags +faststart whole.mp4")
	path := copyPart(t, filepath.Join(dir, "whole.mp4"), "cut.mp4", -200)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 3, 8} {
		runtime.GOMAXPROCS(cores)
		all, err := drain(t, open(t, path, ingest.Options{Pace: ingest.Fast}))
		var damage *ingest.Damage
		require.ErrorAs(t, err, &damage)
		require.Len(t, all, 24, "of 25, the last packet is cut; %d cores", cores)
	}
}

// edited writes what edit makes of a file's bytes.
func edited(t *testing.T, from, to string, edit func([]byte) []byte) string {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, edit(b), 0o600))
	return to
}

func TestTransportStream_PacketsLost_IsDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ffmpeg(t, dir, fourSeconds+"-c:v libx264 -preset ultrafast -g 25 in.ts")
	const packet = 188
	lost := edited(t, filepath.Join(dir, "in.ts"), filepath.Join(dir, "lost.ts"), func(b []byte) []byte {
		at := len(b) / packet / 2 * packet
		return append(b[:at:at], b[at+20*packet:]...)
	})
	_, err := drain(t, open(t, lost, ingest.Options{Pace: ingest.Fast}))
	var damage *ingest.Damage
	require.ErrorAs(t, err, &damage)
}

// One recording behind another is no damage, and its time goes on. From 9800 s
// back to 0 the demuxer sees its 33 bits overflow, 26.5 h ahead.
func TestTransportStream_Appended_GoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ffmpeg(t, dir, fourSeconds+"-c:v libx264 -preset ultrafast -g 25 in.ts")
	ffmpeg(t, dir, "-i in.ts -c copy -output_ts_offset 9800 late.ts")
	late, err := os.ReadFile(filepath.Join(dir, "late.ts"))
	require.NoError(t, err)
	path := edited(t, filepath.Join(dir, "in.ts"), filepath.Join(dir, "all.ts"), func(b []byte) []byte {
		return append(append(late, b...), b...)
	})
	requireEven(t, path, 300)
}

func TestVideo_BadTimestamp_MovesNoOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ffmpeg(t, dir, fourSeconds+"-c:v libx264 -bf 0 in.mkv")
	ffmpeg(t, dir, `-i in.mkv -c copy -bsf:v setts=ts=if(eq(N\,50)\,TS+9800000\,TS) one.mkv`)
	ffmpeg(t, dir, `-i in.mkv -c copy -bsf:v setts=ts=if(gte(N\,50)\,TS+9800000\,TS) stays.mkv`)
	requireEven(t, filepath.Join(dir, "one.mkv"), 100)
	requireEven(t, filepath.Join(dir, "stays.mkv"), 100)
}

// A file that is whole by its container, but has a frame that the decoder cannot read,
// is damaged; every other frame is there.
func TestVideo_PacketOverwritten_IsDamageAndTheOtherFramesAreThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ffmpeg(t, dir, fourSeconds+"-c:v libx264 -g 1 in.mkv")
	path := edited(t, filepath.Join(dir, "in.mkv"), filepath.Join(dir, "bad.mkv"), func(b []byte) []byte {
		for i := range 200 {
			b[len(b)/2+i] = byte(i * 7)
		}
		return b
	})
	all, err := drain(t, open(t, path, ingest.Options{Pace: ingest.Fast}))
	var damage *ingest.Damage
	require.ErrorAs(t, err, &damage)
	require.GreaterOrEqual(t, len(all), 98)
	require.EqualValues(t, len(all), damage.Delivered)
}

// However often a file's timestamps jump, one line says so, and each jump is counted.
func TestVideo_TimestampsJumpTwice_IsToldOnceAndCounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ffmpeg(t, dir, fourSeconds+"-c:v libx264 -bf 0 in.mkv")
	ffmpeg(t, dir, `-i in.mkv -c copy -bsf:v setts=ts=if(gte(N\,70)\,TS+19800000\,if(gte(N\,40)\,TS+9800000\,TS)) twice.mkv`)
	var said bytes.Buffer
	s := open(t, filepath.Join(dir, "twice.mkv"), ingest.Options{Pace: ingest.Fast, Log: slog.New(slog.NewTextHandler(&said, nil))})
	all, err := drain(t, s)
	require.Equal(t, io.EOF, err)
	require.Len(t, all, 100)
	require.EqualValues(t, 2, s.Stats().Jumps)
	require.NoError(t, s.Close())
	require.Equal(t, 1, strings.Count(said.String(), "timestamps jump"), said.String())
}

// requireEven checks that a whole file's frames are 40 ms apart, and that the
// jumps in it are counted.
func requireEven(t *testing.T, path string, frames int) {
	t.Helper()
	s := open(t, path, ingest.Options{Pace: ingest.Fast})
	all, err := drain(t, s)
	require.Equal(t, io.EOF, err)
	require.Len(t, all, frames)
	for i, f := range all {
		require.InDelta(t, time.Duration(i)*40*time.Millisecond, f.pts, float64(3*time.Millisecond), "frame %d", i)
	}
	require.Positive(t, s.Stats().Jumps)
}
