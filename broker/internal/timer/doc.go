// Package timer runs functions after a delay, until all are stopped together.
package timer
