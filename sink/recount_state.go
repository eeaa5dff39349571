package sink

import (
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
)

// Counter counts with the zones and lines of a camera.
type Counter interface {
	// Count sets the zones of a sighting's objects and returns the crossings that are
	// complete in it. The sightings of a run come in their order. It may give the objects
	// other tracks, and remove some, if RecountConfig.Score is set.
	Count(s *event.Sighting) []event.Crossing
	// End returns the crossings that are complete because the run ends.
	End() []event.Crossing
}

// RecountCamera is a camera whose past is counted again.
type RecountCamera struct {
	Name   string
	Shapes []event.Shape
	New    func(score float32) (Counter, error) // is called for each run, with RecountConfig.Score
}

// RecountConfig is what to count again. Visits and crossings count from Since on; one that
// had begun before is continued.
type RecountConfig struct {
	Pool         *pgxpool.Pool // its role may create schemas
	Cameras      []RecountCamera
	Since, Until time.Time
	Score        float32 // the threshold with which Counters track the objects again; 0: they do not
	// Resume is the number of a recount that was interrupted, and goes on with the Since,
	// Until and Score of its beginning. Cameras has its cameras, and may have others.
	Resume   int32
	Begun    func(id int32)        // is called when the recount has its number; may be nil
	Progress func(RecountProgress) // is called after each window, by one goroutine at a time; may be nil
	Workers  int                   // runs that are counted at a time; 0: one a processor
	Window   int64                 // about how many frames of a run are in memory; 0: 2000
}

// RecountProgress is how far a recount is.
type RecountProgress struct {
	Camera       string
	Until        time.Time // up to which a run of it is counted
	Done, Frames int64     // frames that were counted since it was begun or resumed, and all that were to be
}

// Recounted is the result of a recount.
type Recounted struct {
	ID        int32  // of its row in recounts
	Schema    string // with its tables
	Sightings int64  // that were counted
	Frames    int64  // that the totals have of the same time; more, if rows were deleted or never written
	Figures   []RecountFigure
}

// RecountFigure is a sum over the time of a recount: of a line the crossings in and out, of
// a zone the visits.
type RecountFigure struct {
	Camera, Kind, Name, Figure string
	Before, Now                *int64 // nil: not defined then, or not any more
}

// recount is a recount in progress.
type recount struct {
	RecountConfig
	byID map[int32]*RecountCamera // by cameras.id

	id      int32  // of the row in recounts
	attempt int32  // of that row, ours
	schema  string // with the recount's tables
	base    string // quoted, with the tables of before
	upto    time.Time
	counted []int32 // runs that an attempt before has counted

	mu     sync.Mutex // guards the following, and calls of Progress
	done   int64      // frames, of the runs that are to be counted
	frames int64
}
