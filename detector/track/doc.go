// Package track gives people numbers that stay the same from frame to frame:
// ByteTrack (Zhang et al., arXiv:2110.06864), one Tracker for each camera.
//
//	detections ──score ≥ High──► 1st association: wide IoU × score ──┐
//	     │                          with all tracks, predicted       ├─► matched: the track moves on
//	     └──Low ≤ score < High──► 2nd association: IoU ──────────────┘
//	                                with tracks seen just before
//	unmatched, score ≥ NewTrackScore ──► a tentative track, confirmed by its next match
//	tracks without a match, or long without a strong one ──► lost; removed after MaxLost
//
// The second association is ByteTrack's idea: a person half hidden is still
// detected, with a low score, where the track expects it. So a detector whose
// objects are tracked runs with the threshold Low, and Update leaves out
// objects below High without a track.
//
// The following differs from the paper. Prediction goes by the frames' times, not
// their count, so a camera may be slow, irregular or drop frames; in the 1st
// association both boxes are widened by the standard deviation of the predicted
// position (buffered IoU, Yang et al., arXiv:2211.14317, with a buffer as large as
// that deviation): at 2 frames a second a walking person's boxes have
// nothing in common. And a track that only weak objects were matched with for as
// long as MaxLost is removed: without this, a wall can continue the number of a
// person who left. A track without a match whose predicted box is for the most part outside
// the picture is removed: whoever comes in there next is somebody else.
//
// It promises that a number is used for one track only, that the objects which Update
// reported give the same numbers again when they are passed to a new Tracker (a resumed run
// restores its state so), and that Update allocates nothing in the steady state. It leaves detection to
// others, and does not tell apart people by their looks: it sees boxes only
// (docs/decisions/appearance.md has why).
package track
