package events

import (
	"context"
	"encoding/json"
	"time"
)

// lookEvery is how often a value is compared with the one before.
const lookEvery = time.Second

// Changes returns the source of a value that is looked at while somebody listens, and published
// at first and whenever it has changed. now may be called concurrently with itself.
func Changes(kind string, now func() any) Source {
	return Source{Kind: kind, Latest: true, Run: func(ctx context.Context, publish func(camera string, data any)) {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for before := ""; ; {
			v := now()
			if b, err := json.Marshal(v); err != nil || string(b) != before {
				before = string(b)
				publish("", v)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}}
}
