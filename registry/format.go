package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hamba/avro/v2"
	"github.com/jhump/protoreflect/desc" //nolint:staticcheck // protoprint, which prints a file, takes its types
	"github.com/jhump/protoreflect/desc/protoprint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sightlog/sightlog/schema"
)

// parsed is a schema that was read.
type parsed struct {
	content
	identity string // equal for schemas that are the same
	avro     avro.Schema
	file     protoreflect.FileDescriptor
}

// parse reads a schema. references are the texts of its references and of theirs, those first that
// others use.
func parse(ctx context.Context, c content, references []schema.Reference) (*parsed, error) {
	p := &parsed{content: c}
	var err error
	switch c.kind() {
	case typeAvro:
		p.Type = "" // as the API omits it
		err = p.parseAvro(references)
	case typeProtobuf:
		err = p.parseProtobuf(ctx, references)
	default:
		return nil, refuse(42201, "Schemas of type %s are not supported by this registry, which has %s and %s", c.Type, typeAvro, typeProtobuf)
	}
	if err != nil {
		return nil, invalidSchema(c.kind(), err)
	}
	p.identity += string(mustJSON(p.References))
	return p, nil
}

// parseAvro stores the text without spaces. Schemas are the same if their JSON is, in whatever
// order its attributes are.
func (p *parsed) parseAvro(references []schema.Reference) error {
	if strings.TrimSpace(p.Schema) == "" {
		return errors.New("it is empty")
	}
	text := p.Schema
	if !json.Valid([]byte(text)) {
		return errors.New("it is no JSON")
	}
	var err error
	if p.avro, err = schema.ParseAvro(text, references); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return err
	}
	p.Schema = b.String()
	d := json.NewDecoder(&b)
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	p.identity = typeAvro + string(mustJSON(v))
	return nil
}

// parseProtobuf stores a descriptor in base64, which some serializers register, as the text of the
// file. Schemas are the same if their descriptors are, whatever their comments.
func (p *parsed) parseProtobuf(ctx context.Context, references []schema.Reference) error {
	if strings.TrimSpace(p.Schema) == "" {
		return errors.New("it is empty")
	}
	for _, r := range p.References {
		if !slices.ContainsFunc(references, func(known schema.Reference) bool { return known.Name == r.Name }) {
			return fmt.Errorf("its reference %q is missing", r.Name)
		}
	}
	var err error
	if p.file, err = schema.ParseProtobuf(ctx, p.Schema, references); err != nil {
		return err
	}
	if schema.IsDescriptor(p.Schema) {
		if p.Schema, err = protoText(p.file); err != nil {
			return err
		}
	}
	d := schema.Descriptor(p.file)
	d = proto.CloneOf(d)
	d.Name, d.SourceCodeInfo = nil, nil
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(d)
	if err != nil {
		return err
	}
	p.identity = typeProtobuf + string(b)
	return nil
}

func protoText(file protoreflect.FileDescriptor) (string, error) {
	d, err := desc.WrapFile(file)
	if err != nil {
		return "", err
	}
	return (&protoprint.Printer{}).PrintProtoToString(d)
}

// encoded returns a Protobuf schema as a descriptor in base64.
func (p *parsed) encoded() (string, error) {
	b, err := proto.Marshal(schema.Descriptor(p.file))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
