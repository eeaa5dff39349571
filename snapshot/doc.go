// Package snapshot takes pictures of tracked objects: the best of each track, and three around each
// crossing of a line.
//
// The camera's loop calls Taker.Frame, which cuts what may be worth a picture out of the frame, small,
// and hands it to the Worker: one goroutine for all cameras that measures the sharpness, hides what privacy
// hides, encodes, and sends. The loop never waits for it: what it cannot take is dropped and counted.
//
//	cameraLoop ──Taker.Frame──► jobs (64, dropped when full) ──► Worker ──Send──► topic snapshots
//
// Snapshots are best effort. Nothing is counted from them, none is awaited, and a kill loses those of tracks
// that were in sight. One key has one snapshot: a run that is resumed or read again replaces its
// own, and makes no others.
package snapshot
