package kafka

import "context"

// CheckNotFenced is checkNotFenced for the producer with this id and epoch.
func CheckNotFenced(ctx context.Context, c Config, transactionalID string, id int64, epoch int16) error {
	return checkNotFenced(ctx, c, transactionalID, producerID{id, epoch})
}
