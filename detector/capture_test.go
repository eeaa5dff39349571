package detector_test

import (
	"log/slog"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// logged is what was logged.
type logged struct{ strings.Builder }

func capture() (*slog.Logger, *logged) {
	l := new(logged)
	return slog.New(slog.NewTextHandler(l, nil)), l
}

func (l *logged) count(text string) int { return strings.Count(l.String(), text) }

func isUsage(err error) bool { return usage.Is(err) }
