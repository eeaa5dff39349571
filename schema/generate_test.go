package schema_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
)

var update = flag.Bool("update", false, "write pb/events.pb.go")

// TestProto_GeneratedCode_IsThatOfTheFile compiles events.proto and runs the generator on it,
// both in this process and of the versions in go.mod.
func TestProto_GeneratedCode_IsThatOfTheFile(t *testing.T) {
	const name = "sightlog/v1/events.proto" // in the registry of descriptors, where names are of the whole program
	text, err := os.ReadFile("events.proto")
	require.NoError(t, err)
	sources := protocompile.SourceAccessorFromMap(map[string]string{name: string(text)})
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: sources}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(t.Context(), name)
	require.NoError(t, err)
	timestamp := &descriptorpb.FileDescriptorProto{}
	proto.Merge(timestamp, protoutil.ProtoFromFileDescriptor(timestamppb.File_google_protobuf_timestamp_proto))
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{name},
		Parameter:      new("paths=source_relative"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{timestamp, protoutil.ProtoFromFileDescriptor(files[0])},
	})
	require.NoError(t, err)
	internal_gengo.GenerateFile(plugin, plugin.FilesByPath[name])
	response := plugin.Response()
	require.Empty(t, response.GetError())
	require.Len(t, response.GetFile(), 1)
	code := response.GetFile()[0].GetContent()
	const file = "pb/events.pb.go"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
	}
	there, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, code, string(there), "go test ./schema -run GeneratedCode -update writes it")
}
