package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/sink"
)

// StoreFile stores the places and the rules for staff of a changed configuration; what it does not have stays.
func (s *Services) StoreFile(ctx context.Context, f config.File) error {
	return errors.Join(storePlaces(ctx, s.Pool, f.Places()), storeStaff(ctx, s.Pool, f.Cameras()))
}

// storePlaces stores places; nil leaves those that are there.
func storePlaces(ctx context.Context, pool *pgxpool.Pool, places map[string]config.Place) error {
	if places == nil {
		return nil
	}
	all := make([]sink.Place, 0, len(places))
	for _, name := range slices.Sorted(maps.Keys(places)) {
		p := places[name]
		to := sink.Place{Name: name, Reset: p.Reset, TZ: p.TZ, Label: p.Class, Capacity: p.Capacity}
		for _, l := range p.Lines {
			to.Lines = append(to.Lines, placeLine(l, false))
		}
		for _, l := range p.Reversed {
			to.Lines = append(to.Lines, placeLine(l, true))
		}
		all = append(all, to)
	}
	return sink.StorePlaces(ctx, pool, all)
}

func placeLine(name string, reversed bool) sink.PlaceLine {
	camera, line, _ := strings.Cut(name, "/")
	return sink.PlaceLine{Camera: camera, Line: line, Reversed: reversed}
}
