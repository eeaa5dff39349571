// Package registry is the schema registry that is bundled with the broker: Confluent's REST API
// over HTTP, stored in the compacted topic _schemas of the broker.
//
//	HTTP ─► handlers ─► operations, one at a time ─► _schemas (acknowledged) ─► state in memory
//	                                                     │
//	                                            read once at the start
//
// It owns subjects, their versions, ids, references, levels of compatibility and modes, for Avro
// and Protobuf. The topic's records are those of Confluent's registry, so that a registry of
// theirs, or a tool that reads the topic, understands them; one kind more (idRecord) keeps the ids
// of schemas that were deleted for good from being given again.
//
// It promises: an answer of success is in the log; an id never changes its meaning; errors have the
// statuses and codes of Confluent's API.
//
// There is one registry of a broker: it is the only writer of the topic. It has no contexts, rule
// sets, metadata or aliases, and refuses JSON Schema.
package registry
