// Package yamlfile reads the YAML files that users write: the configuration and
// the descriptions of models.
//
// What a file may cost is bounded before it is built: its bytes, the depth of
// its nesting and the number of its values, those that aliases repeat counted
// each time. Scalars keep their text: 0123 is "0123" and a version 1.10 is
// "1.10"; what they mean is left to whoever reads them. A byte order mark is
// passed over. Refused are a second document, a key that is there twice, tags,
// and merge keys. It imports nothing of ours.
//
// Set changes one value of a text by ranges of bytes and leaves every other byte: the YAML
// libraries for Go print a tree anew, which loses blank lines and moves comments.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of a file.
const (
	MaxBytes  = 1 << 20
	maxDepth  = 32
	maxValues = 100_000
)

// Read reads a file of at most MaxBytes, be it a pipe or a device.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(b) > MaxBytes {
		err = fmt.Errorf("larger than %d bytes", MaxBytes)
	}
	return b, err
}

// Parse returns the file's one value: nil for null or an empty file, the text
// of a scalar, a []any, or a map[string]any.
func Parse(b []byte) (any, error) {
	n, err := document(b)
	if err != nil || n == nil {
		return nil, err
	}
	w := walk{}
	return w.value(n, 0)
}

// Decode reads the file into a struct with yaml tags; a key that it has not is
// an error.
func Decode(b []byte, v any) error {
	if _, err := Parse(b); err != nil { // within the limits, and one document
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return plain(err)
	}
	return nil
}

// document parses the text, which builds a node a value and follows no alias;
// the parser itself bounds the nesting to 10,000.
func document(b []byte) (*yaml.Node, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("larger than %d bytes", MaxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, plain(err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("line %d: a second document begins; give one", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, plain(err)
	}
	return doc.Content[0], nil
}

// plain is the parser's error on one line, without its name.
func plain(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "yaml: "), "unmarshal errors: ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + " …"
	}
	return errors.New(text)
}

// walk turns nodes into values and counts them.
type walk struct{ values int }

func (w *walk) value(n *yaml.Node, depth int) (any, error) {
	if w.values++; w.values > maxValues {
		return nil, fmt.Errorf("line %d: more than %d values, aliases included", n.Line, maxValues)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: nested deeper than %d", n.Line, maxDepth)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return nil, fmt.Errorf("line %d: the tag %s; write the value without it", n.Line, n.Tag)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.value(n.Alias, depth+1) // depth ends one that contains itself
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, e := range n.Content {
			v, err := w.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return w.table(n, depth)
	}
	if n.Style == 0 && n.Tag == "!!null" {
		return nil, nil
	}
	return n.Value, nil
}

func (w *walk) table(n *yaml.Node, depth int) (any, error) {
	table := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0 {
			return nil, fmt.Errorf("line %d: a key that is no plain text", key.Line)
		}
		if key.Tag == "!!merge" {
			return nil, fmt.Errorf("line %d: the merge key <<; write the keys out", key.Line)
		}
		if _, twice := table[key.Value]; twice {
			return nil, fmt.Errorf("line %d: the key %q is there twice", key.Line, key.Value)
		}
		v, err := w.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		table[key.Value] = v
	}
	return table, nil
}
