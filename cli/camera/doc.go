// Package camera adds the commands that need a camera, a model or both: run,
// detect, models, bench, doctor. Only bin/sightlog has them.
package camera
