package events

import (
	"testing"

	"github.com/stretchr/testify/require"

	of "github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// Who listens gets JSON, whatever the encoding in the log is, also of what was missed.
func TestEvents_RecordsInAvroAndProtobuf_SentAsJSON(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t).Mix()
	s := &of.Sighting{Camera: "porch", Run: "r1", Seq: 1, Frame: of.Size{Width: 4, Height: 3}}
	want, err := s.Encode()
	require.NoError(t, err)
	var values []string
	r := newRig(t)
	for _, encoding := range []string{schema.Avro, schema.Protobuf, schema.JSON} {
		c, err := schema.New(schema.Config{URL: registry.URL, Encoding: encoding})
		require.NoError(t, err)
		b, err := c.Encode(t.Context(), s)
		require.NoError(t, err)
		values = append(values, string(b))
		r.config.Schemas = c
	}
	r.hub.kafka = r.config
	c, _ := r.listen(t, "", "")
	r.produce(t, kafka.Sightings, "porch", "\x00 no record of ours", values[0])
	require.Equal(t, "sighting "+string(want), c.next(t))
	c.gone()
	r.produce(t, kafka.Sightings, "porch", values[1:]...)
	again, event := r.listen(t, "", c.id)
	require.Equal(t, "sighting "+string(want), event)
	require.Equal(t, "sighting "+string(want), again.next(t))
	require.Equal(t, "position {}", again.next(t))
}
