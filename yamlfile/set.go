package yamlfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Set returns the text with the value of a path of keys changed: a string, a []any or a
// map[string]any as Parse returns them, or nil, which removes the last key. Every other
// byte stays, comments, order and spaces included, and of the value every part that does
// not change: the parser says where values are, and only those that differ are written.
// Numbers that are equal are not rewritten (0.40 and 0.4). The result is parsed again: a
// text that would not read back as asked for, with all other values as before, is refused
// with ErrByHand.
func Set(text []byte, path []string, value any) ([]byte, error) {
	old, err := Parse(text)
	if err != nil {
		return nil, err
	}
	want, err := with(old, path, value)
	if err != nil {
		return nil, err
	}
	if same(old, want) {
		return text, nil
	}
	if old == nil { // nothing but comments
		e := newEditor(text)
		return e.checked([]change{{len(text), len(text), e.onNewLine(len(text), e.block(want.(map[string]any), "")+e.eol)}}, want)
	}
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	e := newEditor(text)
	e.root, e.path = root, len(path)
	changes, err := e.value(entry{node: root, from: e.offset(root), start: e.offset(root)}, want)
	if err != nil {
		return nil, err
	}
	return e.checked(changes, want)
}

// with returns the value with that of a path changed. It changes no table of v.
func with(v any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	table, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, fmt.Errorf("%w: %q belongs in a table", ErrByHand, path[0])
	}
	inner, err := with(table[path[0]], path[1:], value)
	if err != nil {
		return nil, err
	}
	_, there := table[path[0]]
	table = maps.Clone(table)
	switch {
	case inner != nil && table == nil:
		table = map[string]any{path[0]: inner}
	case inner != nil:
		table[path[0]] = inner
	case len(path) == 1 && there:
		delete(table, path[0])
	}
	if table == nil {
		return nil, nil
	}
	return table, nil
}

// same reports whether two values are equal: numbers by what they are, and an empty table
// is as good as none.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		if b == nil {
			return len(a) == 0
		}
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !same(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case string:
		b, ok := b.(string)
		if ok && a != b {
			x, errX := strconv.ParseFloat(a, 64)
			y, errY := strconv.ParseFloat(b, 64)
			return errX == nil && errY == nil && x == y
		}
		return ok
	}
	if b, ok := b.(map[string]any); ok {
		return len(b) == 0
	}
	return b == nil
}

// checked applies the changes and returns the text if it reads as want.
func (e *editor) checked(changes []change, want any) ([]byte, error) {
	slices.SortStableFunc(changes, func(x, y change) int {
		if x.a != y.a {
			return x.a - y.a
		}
		return x.b - y.b // what is inserted stands before what is removed
	})
	var out []byte
	at := 0
	for _, c := range changes {
		if c.a < at {
			return nil, ErrByHand
		}
		out = append(append(out, e.text[at:c.a]...), c.text...)
		at = c.b
	}
	out = append(out, e.text[at:]...)
	got, err := Parse(out)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrByHand, err)
	}
	if !same(got, want) {
		return nil, ErrByHand
	}
	return out, nil
}

// value returns the changes that make an entry's value want, as few as can be.
func (e *editor) value(n entry, want any) ([]change, error) {
	now, err := (&walk{}).value(n.node, 0)
	if err != nil {
		return nil, err
	}
	if same(now, want) {
		return nil, nil
	}
	var changes []change
	err = ErrByHand
	table, isTable := want.(map[string]any)
	list, isList := want.([]any)
	switch {
	case n.node.Kind == yaml.MappingNode && isTable && (len(table) > 0 || n.depth < e.path):
		changes, err = e.table(n, table)
	case n.node.Kind == yaml.SequenceNode && isList && len(list) > 0:
		changes, err = e.list(n, list)
	case isTable && isNothing(n.node) && !n.flow && n.key:
		at := e.nextLine(n.from)
		return []change{{at, at, e.onNewLine(at, e.block(table, e.indent(n.start)+"  ")+e.eol)}}, nil
	}
	if err == nil {
		return changes, nil
	}
	if n.depth < e.path && now != nil { // all of it would be written anew, and other values with it
		return nil, err
	}
	end, err := e.end(n)
	if err != nil {
		return nil, err
	}
	if isBlock(n.node) || isNothing(n.node) {
		return []change{{n.from, end, " " + e.inline(want)}}, nil
	}
	return []change{{e.offset(n.node), end, e.inline(want)}}, nil
}

// table returns the changes of a mapping.
func (e *editor) table(in entry, want map[string]any) (changes []change, err error) {
	n := in.node
	entries, err := e.entries(in)
	if err != nil {
		return nil, err
	}
	removed := make([]bool, len(entries))
	before := make(map[string]bool, len(entries))
	for i, x := range entries {
		before[x.name] = true
		w, ok := want[x.name]
		if removed[i] = !ok; removed[i] {
			continue
		}
		c, err := e.value(x, w)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c...)
	}
	var added []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if before[name] {
			continue
		}
		if isFlow(n) {
			added = append(added, scalar(name)+": "+e.inline(want[name]))
		} else {
			added = append(added, e.block(map[string]any{name: want[name]}, e.indent(entries[0].start)))
		}
	}
	last := len(entries) - 1
	for last >= 0 && removed[last] {
		last--
	}
	more, err := e.restructure(n, entries, removed, last, added)
	return append(changes, more...), err
}

// list returns the changes of a sequence: what is equal at both ends stays.
func (e *editor) list(in entry, want []any) (changes []change, err error) {
	n := in.node
	items, err := e.entries(in)
	if err != nil {
		return nil, err
	}
	values := make([]any, len(items))
	for i, x := range items {
		if values[i], err = (&walk{}).value(x.node, 0); err != nil {
			return nil, err
		}
	}
	head := 0
	for head < len(values) && head < len(want) && same(values[head], want[head]) {
		head++
	}
	tail := 0
	for tail < len(values)-head && tail < len(want)-head && same(values[len(values)-1-tail], want[len(want)-1-tail]) {
		tail++
	}
	paired := min(len(values), len(want)) - head - tail
	for i := head; i < head+paired; i++ {
		c, err := e.value(items[i], want[i])
		if err != nil {
			return nil, err
		}
		changes = append(changes, c...)
	}
	removed := make([]bool, len(items))
	for i := head + paired; i < len(items)-tail; i++ {
		removed[i] = true
	}
	var added []string
	for _, w := range want[head+paired : len(want)-tail] {
		if isFlow(n) {
			added = append(added, e.inline(w))
		} else {
			added = append(added, e.indent(items[0].start)+"- "+e.inline(w))
		}
	}
	more, err := e.restructure(n, items, removed, head+paired-1, added)
	return append(changes, more...), err
}
