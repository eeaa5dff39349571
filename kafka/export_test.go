package kafka

import "context"

// StillOurs asks whether nobody has opened a transactional id since the
// producer with this id and epoch.
func StillOurs(ctx context.Context, c Config, transactionalID string, id int64, epoch int16) error {
	return stillOurs(ctx, c, transactionalID, producerID{id, epoch})
}
