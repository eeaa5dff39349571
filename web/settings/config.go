package settings

import (
	"context"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
)

// Config is what the routes work on.
type Config struct {
	File    string                                  // of --config; "": none
	Tracked bool                                    // people are tracked, so that there may be lines
	InUse   func() map[string]config.CameraSettings // what the cameras count with
	Pool    *pgxpool.Pool
	Log     *slog.Logger

	// Sources returns the cameras of detect; nil where it runs apart: then the cameras are
	// those of the database.
	Sources func() []string
	// Change has the running detect count with other shapes; nil where it runs apart.
	Change func(camera string, shapes config.Shapes, names config.Renames)
	// Store stores the places of the changed file and the rules for staff; may be nil.
	Store func(context.Context, config.File) error

	mu sync.Mutex // held while the file is changed
}
