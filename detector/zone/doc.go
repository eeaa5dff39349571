// Package zone assigns people to named areas, follows their visits of these, and detects
// when they cross a line.
// A person is where the middle of the box's lower edge is: the feet.
//
// It promises that a drawing that cannot work (two points, edges that cross,
// outside the frame) is one clear *usage.Error, that an object gets the zones
// in the order in which they are configured, and that a track that wavers on
// a line crosses it once (hysteresis, which is larger where the track lingers), that a box which
// shows the upper part of a body alone crosses nothing (body.go), and that a line near a side edge counts whoever comes in or leaves there
// (edge.go). It needs tracks (package track) for crossings and visits, and
// nothing for zones. Its caller writes them to the log.
//
// Visits depend on nothing but sightings as the log has them, so that whoever passes a
// run's sightings through again has the same visits, and they are those that the sink
// computes for its tables. Caveat: while a host's clock is set back, times of a live source
// overlap, and a visit of the topic may be several of the tables.
package zone
