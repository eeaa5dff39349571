package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// schemaOfParam returns the schema of what answer.Parse accepts.
func schemaOfParam(p route.Param) (*jsonschema.Schema, error) {
	s := &jsonschema.Schema{}
	switch p.Type.(type) {
	case int:
		s.Type = "integer"
	case float64:
		s.Type = "number"
	case bool:
		s.Type = "boolean"
	case time.Time:
		s.Type, s.Format = "string", "date-time"
	case time.Duration:
		s.Type, s.Pattern = "string", answer.DurationPattern
	case string:
		s.Type, s.Pattern = "string", p.Pattern
		if s.MinLength, s.MaxLength = new(1), new(p.MaxLength); p.MaxLength == 0 {
			s.MaxLength = new(answer.MaxText)
		}
		if s.Pattern == "" && len(p.Enum) == 0 {
			s.Pattern = `^[^\u0000]+$`
		}
	default:
		return nil, fmt.Errorf("parameter %s has a type %T that none may have", p.Name, p.Type)
	}
	if p.Min != 0 || p.Max != 0 {
		s.Minimum, s.Maximum = new(p.Min), new(p.Max)
	}
	for _, v := range p.Enum {
		s.Enum = append(s.Enum, v)
	}
	if p.Default != nil {
		b, err := json.Marshal(p.Default)
		if err != nil {
			return nil, fmt.Errorf("default of parameter %s: %w", p.Name, err)
		}
		s.Default = b
	}
	if p.Repeated {
		return &jsonschema.Schema{Type: "array", Items: s, MinItems: new(1), MaxItems: new(answer.MaxRepeated)}, nil
	}
	return s, nil
}
