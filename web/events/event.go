package events

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// event is one event. Only one of a topic has an id.
type event struct {
	kind, camera string
	data         []byte
	id           string
}

func indexOf(topic string) int {
	return slices.IndexFunc(topics, func(t struct{ name, kind string }) bool { return t.name == topic })
}

// eventOf is the event of a record: its value, as it is in the log.
func eventOf(topic int, r *kgo.Record) event {
	return event{kind: topics[topic].kind, camera: string(r.Key), data: r.Value}
}
