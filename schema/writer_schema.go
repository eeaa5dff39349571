package schema

import (
	"fmt"
	"sync"

	"github.com/hamba/avro/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Bounds of what is read of others.
const (
	maxIndex      = 16  // levels of a message in its file
	maxReferences = 100 // of a schema, with theirs
	maxKnown      = 10_000
)

// writerSchema is the schema of a record, of Avro or of Protobuf.
type writerSchema struct {
	avro avro.Schema
	file protoreflect.FileDescriptor

	mu       sync.Mutex             // guards the following
	resolved map[string]avro.Schema // to ours, by the event's schema header
}

// resolve returns the schema as one that decodes events of a kind.
func (s *writerSchema) resolve(name string) (avro.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.resolved[name]; ok {
		return r, nil
	}
	r, err := avro.NewSchemaCompatibility().Resolve(ours[name], s.avro)
	if err != nil {
		return nil, err
	}
	s.resolved[name] = r
	return r, nil
}

// check returns an error if the message of an index is not of a kind of event.
func (s *writerSchema) check(name string, index []int) error {
	want := kinds[name].message.ProtoReflect().Descriptor().Name()
	messages := s.file.Messages()
	var found protoreflect.MessageDescriptor
	for _, i := range index {
		if i < 0 || i >= messages.Len() {
			return fmt.Errorf("it has no message of index %v", index)
		}
		found = messages.Get(i)
		messages = found.Messages()
	}
	if found == nil || found.Name() != want {
		return fmt.Errorf("its message of index %v is not %s", index, want)
	}
	return nil
}
