package config

import (
	"strconv"

	"github.com/sightlog/sightlog/yamlfile"
)

// Shapes are what is drawn in a camera's picture.
type Shapes struct {
	Zones  map[string][]Point `json:"zones"`
	Lines  map[string][]Point `json:"lines"`
	Masks  [][]Point          `json:"masks"`
	Region []float64          `json:"region"` // nil: the whole picture
}

// Shapes returns those of the settings.
func (c CameraSettings) Shapes() Shapes { return Shapes{c.Zones, c.Lines, c.Masks, c.Region} }

// With returns the settings with other shapes.
func (c CameraSettings) With(s Shapes) CameraSettings {
	c.Zones, c.Lines, c.Masks, c.Region = s.Zones, s.Lines, s.Masks, s.Region
	return c
}

// SetShapes returns the text of a configuration file with the shapes of a camera changed;
// every other byte stays as it is (yamlfile.Set).
func SetShapes(text []byte, camera string, s Shapes) ([]byte, error) {
	for _, key := range []struct {
		name  string
		value any
	}{{"zones", table(s.Zones)}, {"lines", table(s.Lines)}, {"masks", outlines(s.Masks)}, {"region", numbers(s.Region)}} {
		var err error
		if text, err = yamlfile.Set(text, []string{CamerasKey, camera, key.name}, key.value); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// table, outlines, pointList and numbers return values as yamlfile has them; nil, which
// removes the key, for none.
func table(shapes map[string][]Point) any {
	if len(shapes) == 0 {
		return nil
	}
	all := make(map[string]any, len(shapes))
	for name, ps := range shapes {
		all[name] = pointList(ps)
	}
	return all
}

func outlines(masks [][]Point) any {
	if len(masks) == 0 {
		return nil
	}
	all := make([]any, len(masks))
	for i, ps := range masks {
		all[i] = pointList(ps)
	}
	return all
}

func pointList(ps []Point) any {
	all := make([]any, len(ps))
	for i, p := range ps {
		all[i] = numbers(p[:])
	}
	return all
}

func numbers(values []float64) any {
	if values == nil {
		return nil
	}
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	return all
}
