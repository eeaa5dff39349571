package alarms

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/web/answer"
)

// Config is what the routes answer from.
type Config struct {
	DB    *answer.Database
	Write func() *pgxpool.Pool // acknowledges
	Rules []string             // names of the configuration's
	// Cameras returns the names of the configuration's cameras; nil: none.
	Cameras func() []string
	// Test sends a test to the receivers of a rule. An unknown rule is a *answer.Refusal.
	Test func(ctx context.Context, rule string) ([]Tested, error)
}

// Tested is what a receiver said to a test.
type Tested struct {
	Receiver string `json:"receiver"`
	Taken    bool   `json:"taken"`
	Error    string `json:"error,omitempty"`
}
