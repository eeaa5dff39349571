// Package rule has the rules of alarms and their receivers, as the configuration writes
// them: values and their checks, nothing that runs.
//
// A rule can be read aloud:
//
//	person in door/mat between 22:00 and 06:00 for 2s
//	occupancy of hall > 50
//	queue of till > 6 for 3m
//	camera door blind for 5m
//	crossing of door/step out on Sat,Sun
//	loitering in yard/gate for 1m
//
// Parse reads it; an error names the word that is wrong and what is possible there.
// Resolve finds a name without a camera among the places and zones of the configuration.
package rule
