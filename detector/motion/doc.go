// Package motion finds frames in which nothing has moved, which need no
// detector.
package motion
