package yamlfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// inline returns a value in brackets.
func (e *editor) inline(v any) string {
	var parts []string
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, scalar(k)+": "+e.inline(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, x := range v {
			parts = append(parts, e.inline(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return scalar(v)
	}
	return "null"
}

// block returns a table as lines, without the last line's ending.
func (e *editor) block(table map[string]any, indent string) string {
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(table)) {
		if inner, ok := table[k].(map[string]any); ok && len(inner) > 0 {
			lines = append(lines, indent+scalar(k)+":", e.block(inner, indent+"  "))
			continue
		}
		lines = append(lines, indent+scalar(k)+": "+e.inline(table[k]))
	}
	return strings.Join(lines, e.eol)
}

// scalar returns a text as YAML reads it again: plain if it is a number or a name, else in
// quotes.
func scalar(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil || plainName(s) {
		return s
	}
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetEscapeHTML(false)
	_ = j.Encode(s) // a string has no error
	return strings.TrimSuffix(b.String(), "\n")
}

// plainName is true of names that need no quotes in any reader of YAML.
func plainName(s string) bool {
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || r == '-')) {
			return false
		}
	}
	return true
}
