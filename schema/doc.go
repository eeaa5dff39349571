// Package schema encodes the events of the topics sightings, crossings and visits in Avro and
// Protobuf, and decodes them, by a schema registry:
//
//	record's value = 0x00, id of the schema (4 bytes, big endian), the event
//	                 (Protobuf: before it the message's index in the file)
//
// which is the wire format of Confluent's serializers. JSON, which begins with no zero, stays as
// it is, so a topic may have records of all three, and a reader needs to know none of it before.
//
// It owns the schemas (events.proto, *.avsc), their registration under the subject TOPIC-value,
// and the reading of schemas of others (ParseAvro, ParseProtobuf). A record of another version of
// a schema is read by the rules of its format: Avro's schema resolution, Protobuf's unknown
// fields. Schemas are fetched once for each id, which never changes its meaning.
//
// A registry that does not answer is not the record's fault: errors about it are ErrUnavailable,
// and readers wait. One that does not know an id is.
//
// The registry itself is package registry, or another that speaks its API.
package schema
