package yamlfile

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Rename returns the text with keys of the table at a path renamed, all at once: two can change their names. Every
// other byte stays, as with Set, and so does the place of the entries. A path that leads to no table, and names that
// it does not have, change nothing.
func Rename(text []byte, path []string, names map[string]string) ([]byte, error) {
	old, err := Parse(text)
	if err != nil {
		return nil, err
	}
	table, ok := at(old, path).(map[string]any)
	if !ok {
		return text, nil
	}
	renamed := make(map[string]any, len(table))
	for key, value := range table {
		if to, ok := names[key]; ok {
			key = to
		}
		renamed[key] = value
	}
	if len(renamed) < len(table) {
		return nil, fmt.Errorf("%w: two keys would have the same name", ErrByHand)
	}
	want, err := with(old, path, renamed)
	if err != nil {
		return nil, err
	}
	n, err := document(text)
	if err != nil {
		return nil, err
	}
	for _, key := range path {
		if n = valueOf(n, key); n == nil {
			return nil, ErrByHand // it is merged or an alias
		}
	}
	if n.Kind != yaml.MappingNode {
		return nil, ErrByHand
	}
	e := newEditor(text)
	var changes []change
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		to, ok := names[key.Value]
		if !ok || to == key.Value {
			continue
		}
		end, err := e.end(entry{node: key})
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{e.begin(key), end, scalar(to)})
	}
	return e.checked(changes, want)
}

// at returns the value at a path; nil for none.
func at(v any, path []string) any {
	for _, key := range path {
		table, _ := v.(map[string]any)
		v = table[key]
	}
	return v
}

// valueOf returns the value of a key of a table; nil for none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
