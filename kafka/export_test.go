package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// CheckNotFenced is checkNotFenced for the producer with this id and epoch.
func CheckNotFenced(ctx context.Context, c Config, transactionalID string, id int64, epoch int16) error {
	return checkNotFenced(ctx, c, transactionalID, producerID{id, epoch})
}

// ParseDeadLetter is parseDeadLetter.
func ParseDeadLetter(rec *kgo.Record) (DeadLetter, *kgo.Record, bool) { return parseDeadLetter(rec) }
