package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// A run is resumed in whatever encoding its sightings are, and goes on in the one that is set.
func TestFileWriter_EncodingChanged_RunResumed(t *testing.T) {
	_, cfg := setUp(t)
	r := registrytest.Start(t).Mix()
	var codecs []*schema.Codec
	for _, encoding := range []string{schema.Avro, schema.JSON, schema.Protobuf} {
		c, err := schema.New(schema.Config{URL: r.URL, Encoding: encoding})
		require.NoError(t, err)
		codecs = append(codecs, c)
	}
	for i, c := range codecs {
		cfg.Schemas = c
		w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
		require.NoError(t, err)
		require.EqualValues(t, 3*i, w.Next())
		cross(t, w, int64(3*i), int64(3*i+3))
		require.NoError(t, w.Close(t.Context()))
	}
	first := map[byte]int{}
	for _, topic := range []string{kafka.Sightings, kafka.Crossings} {
		for _, value := range ofCamera(t, cfg, topic, "porch") {
			first[value[0]]++
		}
	}
	require.Equal(t, map[byte]int{0: 2 * 9, '{': 9}, first)
	last, err := kafka.LastRun(t.Context(), cfg, "porch")
	require.NoError(t, err)
	var seqs []int64
	require.NoError(t, kafka.ReadRun(t.Context(), cfg, last, func(s *event.Sighting) { seqs = append(seqs, s.Seq) }))
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}, seqs)
}

// Without the registry the end of the run in the log is not known: nothing is written, rather than
// frames a second time.
func TestFileWriter_RegistryAway_DoesNotOpen(t *testing.T) {
	_, cfg := setUp(t)
	r := registrytest.Start(t).Mix()
	var err error
	cfg.Schemas, err = schema.New(schema.Config{URL: r.URL, Encoding: schema.Avro})
	require.NoError(t, err)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	send(t, w, 0, 3)
	require.NoError(t, w.Close(t.Context()))
	r.Stop()
	for _, encoding := range []string{schema.Avro, schema.JSON} {
		cfg.Schemas, err = schema.New(schema.Config{URL: r.URL, Encoding: encoding})
		require.NoError(t, err)
		_, err = kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
		require.ErrorIs(t, err, schema.ErrUnavailable)
	}
}
