// Package preview draws for users to look at: the boxes and tracks of
// detections, and a camera's zones and lines, into pictures and videos.
// It hides faces or people in them where privacy says so.
//
// It promises that no existing file is overwritten, and that a picture is
// complete or absent under its name. A Recorder never stops the detection: when
// it cannot write, it logs that once and ends.
package preview
