package schema

import (
	_ "embed" // the schemas

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/schema/pb"
)

// The encodings.
const (
	JSON     = "json" // the default: no registry is needed
	Avro     = "avro"
	Protobuf = "protobuf"
)

// Event is an event that this package encodes: a *event.Sighting, *event.Crossing or
// *event.Visit.
type Event interface {
	Schema() string // its schema header
	Encode() ([]byte, error)
	Complete()
}

// kind is a kind of event and its schemas.
type kind struct {
	subject string
	message proto.Message // of Protobuf
	index   int           // of message in events.proto
	avro    string        // schema of Avro
}

//go:embed events.proto
var eventsProto string

//go:embed sighting.avsc
var sightingAvro string

//go:embed crossing.avsc
var crossingAvro string

//go:embed visit.avsc
var visitAvro string

// kinds are the kinds of events by their schema header. The subjects are those that Confluent's
// serializers use without a setting: the topic's name and "-value".
var kinds = map[string]kind{
	event.SchemaSighting: {"sightings-value", (*pb.Sighting)(nil), 0, sightingAvro},
	event.SchemaCrossing: {"crossings-value", (*pb.Crossing)(nil), 1, crossingAvro},
	event.SchemaVisit:    {"visits-value", (*pb.Visit)(nil), 2, visitAvro},
}

// schemaOf returns the schema that events of a kind are written with.
func (k kind) schemaOf(encoding string) sr.Schema {
	if encoding == Avro {
		return sr.Schema{Schema: k.avro, Type: sr.TypeAvro}
	}
	return sr.Schema{Schema: eventsProto, Type: sr.TypeProtobuf}
}
