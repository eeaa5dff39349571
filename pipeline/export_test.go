package pipeline

import (
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// SetRestartPause sets the pause before detect is started again, for a test that does
// not run in parallel, until the returned function is called.
func SetRestartPause(d time.Duration) (back func()) {
	before := restartPauses
	restartPauses = backoff.Policy{First: d, Limit: d}
	return func() { restartPauses = before }
}

// StorePlaces is storePlaces, StoreStaff is storeStaff.
var (
	StorePlaces = storePlaces
	StoreStaff  = storeStaff
)
