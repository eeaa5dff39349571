package events

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/schema"
)

// event is one event. Only one of a topic has an id.
type event struct {
	kind, camera string
	data         []byte
	id           string
}

func indexOf(topic string) int {
	return slices.IndexFunc(topics, func(t topicOf) bool { return t.name == topic })
}

// eventOf is the event of a record: its value, as it is in the log or, of one in another encoding,
// the JSON of it.
func eventOf(ctx context.Context, c *schema.Codec, topic int, r *kgo.Record) (event, error) {
	data, err := c.JSON(ctx, topics[topic].schema, r.Value)
	return event{kind: topics[topic].kind, camera: string(r.Key), data: data}, err
}
