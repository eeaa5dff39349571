package models

import (
	"crypto/sha256"
	_ "embed" // the models in the program
	"encoding/hex"
	"sync"
)

// The models that need no file: see person-nano.md.
var (
	//go:embed person-nano.onnx
	personNano []byte
	//go:embed person-nano-int8.onnx
	personNanoInt8 []byte
	//go:embed person-small.onnx
	personSmall []byte
)

// Default is the model used where none is named; Int8 is the same at eight bits. Auto is
// the one of the two that is faster on this machine (ChooseModel of pipeline/detect).
// Small is the larger one of the family.
const (
	Default = "person-nano"
	Int8    = "person-nano-int8"
	Small   = "person-small"
	Auto    = "auto"
)

// inProgram returns the models that are in the program, by name.
var inProgram = sync.OnceValue(func() map[string]Model {
	all := map[string]Model{}
	for name, data := range map[string][]byte{Default: personNano, Int8: personNanoInt8, Small: personSmall} {
		sum := sha256.Sum256(data)
		all[name] = Model{Name: name, Data: data, SHA256: hex.EncodeToString(sum[:])}
	}
	return all
})
