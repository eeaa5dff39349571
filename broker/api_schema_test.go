package broker

import (
	"bytes"
	"math/rand/v2"
	"net"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// anyTag is the number of a tagged field that no request knows; tagStart is how
// the tags of a struct begin that has just this one.
const anyTag = 9999

var tagStart = []byte{1, 0x8f, 0x4e}

// fill gives every field a value, made at random, and every struct a tag.
func fill(rng *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if rng.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rng, v.Elem())
		}
	case reflect.Struct:
		if tags, ok := reflect.TypeAssert[*kmsg.Tags](v.Addr()); ok {
			tags.Set(anyTag, []byte("tag"))
			return
		}
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Version" {
				fill(rng, v.Field(i))
			}
		}
	case reflect.Slice:
		n := rng.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(rng, v.Index(i))
		}
	case reflect.String:
		v.SetString("text"[:rng.IntN(5)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(rng.Float64())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rng.Uint64N(128))
	default:
		v.SetInt(rng.Int64N(128))
	}
}

// eachFilled calls fn with the bodies of filled requests of every kind.
func eachFilled(t *testing.T, fn func(a api, req kmsg.Request, body []byte)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for key, a := range apis() {
		require.NotNil(t, a.schema, kmsg.NameForKey(key))
		for version := a.min; version <= a.max; version++ {
			for range 20 {
				req := kmsg.RequestForKey(key)
				fill(rng, reflect.ValueOf(req).Elem())
				req.SetVersion(version)
				fn(a, req, req.AppendTo(nil))
			}
		}
	}
}

func TestSchemas_EveryRequestAndVersion_EqualKmsg(t *testing.T) {
	t.Parallel()
	eachFilled(t, func(a api, req kmsg.Request, body []byte) {
		name, version := kmsg.NameForKey(req.Key()), req.GetVersion()
		require.NoError(t, a.schema.Validate(body, version, req.IsFlexible()), "%s v%d", name, version)
		for n := range body {
			require.Error(t, a.schema.Validate(body[:n], version, req.IsFlexible()), "%s v%d cut at %d of %d", name, version, n, len(body))
		}
	})
}

// Decoding any of these would take a minute.
func TestSchemas_AbsurdTagCount_Refused(t *testing.T) {
	t.Parallel()
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	seen := map[int16]int{}
	eachFilled(t, func(a api, req kmsg.Request, body []byte) {
		for at := 0; ; at++ {
			i := bytes.Index(body[at:], tagStart)
			if i < 0 {
				break
			}
			at += i
			bad := append(append(bytes.Clone(body[:at]), huge...), body[at+1:]...)
			require.Error(t, a.schema.Validate(bad, req.GetVersion(), req.IsFlexible()), "%s v%d at %d", kmsg.NameForKey(req.Key()), req.GetVersion(), at)
			seen[req.Key()]++
		}
	})
	for key, a := range apis() {
		req := kmsg.RequestForKey(key)
		req.SetVersion(a.max)
		require.Equal(t, req.IsFlexible(), seen[key] > 0, kmsg.NameForKey(key))
	}
}

func TestSchemas_TooManyElements_Refused(t *testing.T) {
	t.Parallel()
	s := produceAPI.schema
	body := append([]byte{0, 0, 1, 0, 0, 0, 0}, 0x81, 0x80, 0x80, 0x02) // 4 million topics
	body = append(body, make([]byte, 8<<20)...)
	require.ErrorContains(t, s.Validate(body, 9, true), "too many elements")
}

func BenchmarkValidate(b *testing.B) {
	req := kmsg.NewPtrProduceRequest()
	req.Version = 12
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = "sightings"
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = make([]byte, 1000)
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	body, s := req.AppendTo(nil), produceAPI.schema
	for b.Loop() {
		if err := s.Validate(body, 12, true); err != nil {
			b.Fatal(err)
		}
	}
}

func TestConnection_HostileTagCount_Ends(t *testing.T) {
	t.Parallel()
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	for name, frame := range map[string][]byte{
		"ApiVersions":      append([]byte{0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff, 0, 2, 'a', 2, 'b'}, huge...),
		"SASLAuthenticate": append([]byte{0, 36, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0, 2, 'a'}, huge...),
		"the header":       append([]byte{0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff}, huge...),
	} {
		for _, sasl := range []bool{true, false} {
			b, _ := serveBroker(t, Config{SASL: sasl})
			client, server := net.Pipe()
			_, err := newSession(b, server).Handle(frame)
			require.Error(t, err, name)
			require.NoError(t, client.Close())
			require.NoError(t, server.Close())
		}
	}
}
