package schema

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"github.com/hamba/avro/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Reference is a schema that another one uses: in Protobuf the file that it imports, in Avro a
// schema whose names it has.
type Reference struct {
	Name string // path of the imported file; name of the Avro type
	Text string
}

// ParseAvro parses an Avro schema. references come before those that use them.
func ParseAvro(text string, references []Reference) (avro.Schema, error) {
	names := new(avro.SchemaCache) // its own: names mean something in one schema alone
	for _, r := range references {
		if _, err := avro.ParseWithCache(r.Text, "", names); err != nil {
			return nil, fmt.Errorf("reference %s: %w", r.Name, err)
		}
	}
	return avro.ParseWithCache(text, "", names)
}

// protoName is the name of a file that is compiled; schemas have none.
const protoName = "schema.proto"

// ParseProtobuf compiles a Protobuf file, which is text or, as some serializers register it, a
// FileDescriptorProto in base64. references are the files that it imports; those of
// google/protobuf are known.
func ParseProtobuf(ctx context.Context, text string, references []Reference) (protoreflect.FileDescriptor, error) {
	sources := make(map[string]protocompile.SearchResult)
	for _, r := range references {
		sources[r.Name] = source(r.Name, r.Text)
	}
	sources[protoName] = source(protoName, text)
	compiler := protocompile.Compiler{
		MaxParallelism: 1,
		Resolver: protocompile.WithStandardImports(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
			if found, ok := sources[path]; ok {
				return found, nil
			}
			return protocompile.SearchResult{}, fmt.Errorf("%q is imported and is no reference; there are %q", path, slices.Sorted(maps.Keys(sources)))
		})),
	}
	var files linker.Files
	files, err := compiler.Compile(ctx, protoName)
	if err != nil {
		return nil, err
	}
	return files[0], nil
}

// source is a file for the compiler, parsed already if it is a descriptor.
func source(name, text string) protocompile.SearchResult {
	if file := descriptor(text); file != nil {
		file.Name = new(name)
		return protocompile.SearchResult{Proto: file}
	}
	return protocompile.SearchResult{Source: bytes.NewReader([]byte(text))}
}

// descriptor returns the FileDescriptorProto that a text is in base64, nil if it is none.
func descriptor(text string) *descriptorpb.FileDescriptorProto {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	file := new(descriptorpb.FileDescriptorProto)
	if proto.Unmarshal(raw, file) != nil {
		return nil
	}
	return file
}

// Descriptor returns a file as the FileDescriptorProto that serializers want.
func Descriptor(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	return protoutil.ProtoFromFileDescriptor(file)
}

// IsDescriptor reports whether a Protobuf schema is a FileDescriptorProto in base64.
func IsDescriptor(text string) bool { return descriptor(text) != nil }
