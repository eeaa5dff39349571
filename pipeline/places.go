package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/sink"
)

// StorePlaces stores the places of a changed configuration; nil leaves those that are there.
func (s *Services) StorePlaces(ctx context.Context, places map[string]config.Place) error {
	return storePlaces(ctx, s.Pool, places)
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
