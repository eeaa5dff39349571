package models

import (
	"crypto/sha256"
	_ "embed" // the model in the program
	"encoding/hex"
	"sync"
)

// personNano is the model that needs no file: see person-nano.md.
//
//go:embed person-nano.onnx
var personNano []byte

var personNanoSum = sync.OnceValue(func() string {
	sum := sha256.Sum256(personNano)
	return hex.EncodeToString(sum[:])
})

// embedded returns the model of that name that is in the program.
func embedded(name string) (Model, bool) {
	if name != Default {
		return Model{}, false
	}
	return Model{Name: name, Data: personNano, SHA256: personNanoSum()}, true
}
