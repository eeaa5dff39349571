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
	//go:embed person-small-int8.onnx
	personSmallInt8 []byte
)

// Default is the model used where none is named, Small the larger one of the family; Int8
// and SmallInt8 are the same at eight bits. Auto and AutoSmall leave it to the machine
// whether it is at eight bits (ChooseModel of pipeline/detect).
const (
	Default   = "person-nano"
	Int8      = "person-nano-int8"
	Small     = "person-small"
	SmallInt8 = "person-small-int8"
	Auto      = "auto"
	AutoSmall = "auto-small"
)

// inProgram returns the models that are in the program, by name.
var inProgram = sync.OnceValue(func() map[string]Model {
	all := map[string]Model{}
	for name, data := range map[string][]byte{Default: personNano, Int8: personNanoInt8, Small: personSmall, SmallInt8: personSmallInt8} {
		sum := sha256.Sum256(data)
		all[name] = Model{Name: name, Data: data, SHA256: hex.EncodeToString(sum[:])}
	}
	return all
})
