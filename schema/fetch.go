package schema

import (
	"context"
	"fmt"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"
)

// schema returns the schema of an id.
func (c *Codec) schema(ctx context.Context, id int) (*writerSchema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.known[id]; ok {
		return s, nil
	}
	found, err := c.client.SchemaByID(ctx, id)
	if err == nil && found.Schema == "" {
		err = errNoRegistry
	}
	switch {
	case lacks(err):
		return nil, fmt.Errorf("the schema registry %s has no schema with id %d", c.url, id)
	case err != nil:
		return nil, c.unavailable(err)
	}
	references, err := c.references(ctx, found.References)
	if err != nil {
		return nil, err
	}
	s := &writerSchema{resolved: make(map[string]avro.Schema)}
	switch found.Type {
	case sr.TypeAvro:
		s.avro, err = ParseAvro(found.Schema, references)
	case sr.TypeProtobuf:
		s.file, err = ParseProtobuf(ctx, found.Schema, references)
	default:
		err = fmt.Errorf("its type is %s", found.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("schema id %d cannot be read: %w", id, err)
	}
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[id] = s
	return s, nil
}

// references returns the references of a schema and theirs, those first that others use.
func (c *Codec) references(ctx context.Context, of []sr.SchemaReference) ([]Reference, error) {
	var all []Reference
	seen := make(map[string]bool)
	var add func([]sr.SchemaReference) error
	add = func(of []sr.SchemaReference) error {
		for _, r := range of {
			if seen[r.Name] {
				continue
			}
			if seen[r.Name] = true; len(seen) > maxReferences {
				return fmt.Errorf("a schema has more than %d references", maxReferences)
			}
			found, err := c.client.SchemaByVersion(ctx, r.Subject, r.Version)
			if err == nil && found.Schema.Schema == "" {
				err = errNoRegistry
			}
			if err != nil {
				return c.unavailable(err)
			}
			if err := add(found.References); err != nil {
				return err
			}
			all = append(all, Reference{r.Name, found.Schema.Schema})
		}
		return nil
	}
	return all, add(of)
}
