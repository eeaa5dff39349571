package detect

import (
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/models"
)

// OpenModel loads a model that was looked up.
func OpenModel(m models.Model, opts onnx.Options) (*onnx.Session, error) {
	if m.Path == "" {
		return onnx.OpenBytes(m.Data, opts)
	}
	return onnx.Open(m.Path, opts)
}
