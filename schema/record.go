package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"

	"github.com/sightlog/sightlog/event"
)

// Encode completes an event and returns the value of its record.
func (c *Codec) Encode(ctx context.Context, e Event) ([]byte, error) {
	if c == nil || c.encoding == JSON {
		return e.Encode()
	}
	c.mu.Lock()
	id, err := c.id(ctx, e.Schema())
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	e.Complete()
	header := new(sr.ConfluentHeader)
	if c.encoding == Avro {
		b, err := header.AppendEncode(nil, id, nil)
		if err != nil {
			return nil, err
		}
		text, err := toAvro(e)
		if err != nil {
			return nil, fmt.Errorf("encode %s as Avro: %w", e.Schema(), err)
		}
		return append(b, text...), nil
	}
	b, err := header.AppendEncode(nil, id, []int{kinds[e.Schema()].index})
	if err != nil {
		return nil, err
	}
	if b, err = (proto.MarshalOptions{}).MarshalAppend(b, toProtobuf(e)); err != nil {
		return nil, fmt.Errorf("encode %s as Protobuf: %w", e.Schema(), err)
	}
	return b, nil
}

// Sighting decodes a sighting. An error that is not ErrUnavailable or of ctx means that this
// value will never decode.
func (c *Codec) Sighting(ctx context.Context, value []byte) (*event.Sighting, error) {
	if !framed(value) {
		return event.DecodeSighting(value)
	}
	e, err := c.decode(ctx, event.SchemaSighting, value)
	if err != nil {
		return nil, err
	}
	return e.(*event.Sighting).Accept()
}

// Crossing decodes a crossing, as Sighting does.
func (c *Codec) Crossing(ctx context.Context, value []byte) (*event.Crossing, error) {
	if !framed(value) {
		return event.DecodeCrossing(value)
	}
	e, err := c.decode(ctx, event.SchemaCrossing, value)
	if err != nil {
		return nil, err
	}
	return e.(*event.Crossing).Accept()
}

// Visit decodes a visit, as Sighting does.
func (c *Codec) Visit(ctx context.Context, value []byte) (*event.Visit, error) {
	if !framed(value) {
		return event.DecodeVisit(value)
	}
	e, err := c.decode(ctx, event.SchemaVisit, value)
	if err != nil {
		return nil, err
	}
	return e.(*event.Visit).Accept()
}

// JSON returns a value as JSON: one in the wire format decoded as an event of a kind, which is named
// by its schema header, and every other value as it is.
func (c *Codec) JSON(ctx context.Context, name string, value []byte) ([]byte, error) {
	if _, ours := kinds[name]; !ours || !framed(value) {
		return value, nil
	}
	e, err := c.decode(ctx, name, value)
	if err != nil {
		return nil, err
	}
	return e.Encode()
}

// framed reports whether a value begins as the wire format does. JSON cannot.
func framed(value []byte) bool { return len(value) > 0 && value[0] == 0 }

// decode decodes a value in the wire format.
func (c *Codec) decode(ctx context.Context, name string, value []byte) (Event, error) {
	header := new(sr.ConfluentHeader)
	id, rest, err := header.DecodeID(value)
	if err != nil {
		return nil, errors.New("the value begins with a zero and is too short for the id of a schema")
	}
	if c == nil || c.client == nil {
		return nil, fmt.Errorf("the value has schema id %d, and no schema registry is configured (--schema-registry)", id)
	}
	s, err := c.schema(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.avro != nil {
		resolved, err := s.resolve(name)
		if err != nil {
			return nil, fmt.Errorf("schema id %d is none of %s: %w", id, name, err)
		}
		return fromAvro(name, resolved, rest)
	}
	index, rest, err := header.DecodeIndex(rest, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("the message's index is missing or too long: %w", err)
	}
	if err := s.check(name, index); err != nil {
		return nil, fmt.Errorf("schema id %d: %w", id, err)
	}
	return fromProtobuf(name, rest)
}
