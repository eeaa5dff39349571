// Package track gives people numbers that they keep from frame to frame:
// ByteTrack (Zhang et al., arXiv:2110.06864), one Tracker for each camera.
//
//	detections ──score ≥ High──► 1st association: IoU × score ──┐
//	     │                          with all tracks, predicted  ├─► matched: the track moves on
//	     └──Low ≤ score < High──► 2nd association: IoU ─────────┘
//	                                with tracks seen just before
//	unmatched, score ≥ New ──► a track on trial, confirmed by its next match
//	tracks without a match ──► lost; given up after Keep
//
// The second association is ByteTrack's idea: a person half hidden is still
// detected, with a low score, where the track expects it. So a detector whose
// objects are tracked runs with the threshold Low, and Update drops what stays
// below High without a track.
//
// It promises that a number is used for one track only and that Update
// allocates nothing in the steady state. It leaves to others what is
// detected, and telling apart people who look alike: it sees boxes only.
package track
