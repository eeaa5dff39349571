package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/schema"
)

// people is a sighting as detect writes it, of three tracked people.
func people() *event.Sighting {
	s := whole()
	s.Run, s.Model.Name = "01a2188d-64b2-75db-9de5-8089442a3abb", "person-nano"
	s.Model.SHA256 = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
	o := s.Objects[0]
	s.Objects = nil
	for i := range 3 {
		o.Index = i
		s.Objects = append(s.Objects, o)
	}
	return s
}

func BenchmarkCodec_Sighting(b *testing.B) {
	url, _ := startRegistry(b)
	for _, encoding := range []string{schema.JSON, schema.Avro, schema.Protobuf} {
		c := newCodec(b, url, encoding)
		s := people()
		value, err := c.Encode(b.Context(), s)
		require.NoError(b, err)
		b.Run(encoding+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(value)), "bytes/record")
		})
		b.Run(encoding+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Sighting(b.Context(), value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
