package audit

import "time"

// Run is a run whose line is audited.
type Run struct {
	ID          int32
	Name        string // runs.run
	Source      string // without credentials
	Fingerprint string
	Began       time.Time // captured_at of position 0
	Stretches   int       // of how many a day it kept pictures (--snapshot-stretches)
}
