package broker

import (
	"errors"

	"github.com/sightlog/sightlog/broker/storage"
)

// Problem returns one line with the reason for which the broker refuses writes at
// present and how to resolve it, or "".
func (b *Broker) Problem() string {
	switch err := b.store.Refusing(); {
	case err == nil:
		if full := b.fullOfHeld(); len(full) > 0 {
			return full[0].holdProblem()
		}
		return ""
	case errors.Is(err, storage.ErrFailed):
		return "the disk of the log failed, fix it and restart: " + err.Error()
	case storage.IsFull(err):
		return "the disk of the log is full, writes wait for room: " + err.Error()
	default:
		return "the log cannot be written, it is tried again: " + err.Error()
	}
}
