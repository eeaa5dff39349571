package quota

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker/storage"
)

// BenchmarkCharge is one question after a limit, of a client that another one's limit does not concern, and of one that
// has a limit.
func BenchmarkCharge(b *testing.B) {
	s, err := storage.Open(b.TempDir(), storage.Options{})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	q, err := Load(s)
	require.NoError(b, err)
	require.NoError(b, q.Alter(Entity{ClientID: new("camera")}, []Change{{Limit: Produce, Value: 1e15}}, false))
	for _, client := range []string{"other", "camera"} {
		b.Run(client, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				q.Charge(Produce, "", client, 1000)
			}
		})
	}
}
