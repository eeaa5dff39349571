// Package live carries pictures from the detectors to those who look at them, while somebody looks.
//
//	detect                                   run, serve                          browser
//	┌───────────────────────────┐            ┌────────────────────────────┐
//	│ encoder → Feed → ServeConn├── parts ──►│ Client → Feed → Handler    ├── parts ──► canvas
//	│    ▲ wanted               │◄── wants ──┤             one Viewer each├── …
//	└────┼──────────────────────┘ connection └────────────────────────────┘
//	     camera
//
// A Feed holds the newest picture of each camera in each width that is asked for. A Viewer gets
// the newest that it has not seen: one that is slow gets fewer pictures, and never old ones. What is
// not asked for is not encoded, and a connection carries each picture once, however many look.
//
// A part is a picture with the objects that were detected in it (Picture), or the states of the cameras
// (Status). It crosses both connections in one format (WritePart). The side that shows sends one line
// of JSON (wants) whenever it changes.
//
// It promises that a picture's objects are those of that frame's sighting, that a viewer never waits
// for another, and that nothing that comes from a connection is stored before its length was checked.
//
// It leaves to others the encoding, and to hide people (pipeline/detect); who may look (web).
package live
