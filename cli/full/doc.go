// Package full adds the commands that need a camera, a model or both, and so C
// code: run, detect, picture, bench, eval, models, doctor. Only bin/sightlog has
// them; package cli alone is bin/sightlogd.
package full
