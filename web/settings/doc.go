// Package settings serves what is drawn in the cameras' pictures (zones, lines, masks, the
// region): as the configuration file has it, tried on stored detections, and changed.
//
// A change is written into the file with every other byte as it was (config.SetShapes), after
// the checks of a start; then the running detect counts with it, from its next frames on.
// Whoever changes shapes says which version was seen (If-Match), so that no change is lost.
// What it leaves to others: drawing (web/page), counting (pipeline), who may (web).
package settings
