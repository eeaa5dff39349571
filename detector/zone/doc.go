// Package zone says in which named areas people stand and when they cross a
// line. A person stands where the middle of the lower edge of the box is: the
// feet.
//
// It promises that a drawing that cannot work (two points, edges that cross,
// outside the frame) is one clear *usage.Error, that an object gets the zones
// in the order in which they are configured, and that a track that dithers on
// a line crosses it once. It needs tracks (package track) for crossings and
// nothing for zones. Writing them down is left to others.
package zone
