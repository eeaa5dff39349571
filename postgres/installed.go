package postgres

import "context"

// Installed returns the directory and the major version of the server programs
// that a new private cluster would use. None is a *usage.Error.
func Installed(ctx context.Context) (dir string, major int, err error) {
	b, err := findBinaries(ctx, 0)
	return b.dir, b.major, err
}
