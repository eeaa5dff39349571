package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/sink"
)

// storeStaff stores the rules of cameras; those of others stay as they are.
func storeStaff(ctx context.Context, pool *pgxpool.Pool, cameras map[string]config.CameraSettings) error {
	if len(cameras) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(cameras))
	var rules []sink.StaffRule
	for _, name := range names {
		s := cameras[name].Staff
		if s == nil {
			continue
		}
		if s.Zone != "" {
			rules = append(rules, sink.StaffRule{Camera: name, Zone: s.Zone})
		}
		if s.LongerThan > 0 {
			rules = append(rules, sink.StaffRule{Camera: name, LongerThan: s.LongerThan})
		}
		for _, w := range s.Schedule {
			rules = append(rules, sink.StaffRule{Camera: name, Days: w.Days, Starts: w.Starts, Lasts: w.Lasts, TZ: s.TZ})
		}
	}
	return sink.StoreStaff(ctx, pool, names, rules)
}
