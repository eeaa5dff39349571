package occupancy_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// Frames of every encoding are counted, and none is skipped while the registry does not answer.
func TestProcessor_TopicOfMixedEncodings_EachFrameCounted(t *testing.T) {
	t.Parallel()
	w, fake := newWorld(t), srfake.New()
	t.Cleanup(fake.Close)
	var away atomic.Bool
	asked := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(rw, "away", http.StatusServiceUnavailable)
			select {
			case asked <- struct{}{}:
			default:
			}
			return
		}
		fake.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	all := frames(0, 200, "porch")
	for i, f := range all {
		c, err := schema.New(schema.Config{URL: s.URL, Encoding: []string{schema.JSON, schema.Avro, schema.Protobuf}[i%3]})
		require.NoError(t, err)
		b, err := c.Encode(t.Context(), f)
		require.NoError(t, err)
		require.NoError(t, w.cl.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Sightings, Key: []byte(f.Camera), Value: b}).FirstErr())
		w.log.Schemas = c
	}
	away.Store(true)
	w.start(sized(10*time.Second, 10*time.Second), idle(100*time.Millisecond))
	<-asked
	away.Store(false)
	w.exactly(reference(10*time.Second, 10*time.Second, all...))
}
