package yamlfile

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// restructure removes entries of a collection and adds new ones behind the entry with
// number after, -1 for none.
func (e *editor) restructure(n *yaml.Node, entries []entry, removed []bool, after int, added []string) (changes []change, err error) {
	ends := make([]int, len(entries))
	for i, x := range entries {
		if ends[i], err = e.end(x); err != nil {
			return nil, err
		}
	}
	if isFlow(n) {
		return e.inBrackets(n, entries, ends, removed, after, added), nil
	}
	for i, gone := range removed {
		if !gone {
			continue
		}
		begin := e.lines[e.line(entries[i].start)]
		if len(bytes.TrimLeft(e.text[begin:entries[i].start], " ")) > 0 {
			return nil, ErrByHand // something else begins in the same line
		}
		changes = append(changes, change{begin, e.nextLine(ends[i]), ""})
	}
	if len(added) == 0 {
		return changes, nil
	}
	at := e.lines[e.line(entries[0].start)]
	switch {
	case n == e.root && !bytes.Contains(e.text, []byte("\n...")):
		at = len(e.text)
	case after >= 0:
		at = e.nextLine(ends[after])
	}
	return append(changes, change{at, at, e.onNewLine(at, strings.Join(added, e.eol)+e.eol)}), nil
}

// inBrackets is restructure of a collection in brackets.
func (e *editor) inBrackets(n *yaml.Node, entries []entry, ends []int, removed []bool, after int, added []string) (changes []change) {
	last := len(entries) - 1
	if !slices.Contains(removed, false) { // none stays
		a := e.begin(n) + 1
		b := a
		if last >= 0 {
			a, b = entries[0].start, ends[last]
		}
		return []change{{a, b, strings.Join(added, ", ")}}
	}
	for i := 0; i <= last; i++ {
		if !removed[i] {
			continue
		}
		first := i
		for i < last && removed[i+1] {
			i++
		}
		if i < last {
			changes = append(changes, change{entries[first].start, entries[i+1].start, ""})
		} else {
			changes = append(changes, change{ends[first-1], ends[i], ""})
		}
	}
	if text := strings.Join(added, ", "); text != "" && after >= 0 {
		changes = append(changes, change{ends[after], ends[after], ", " + text})
	} else if text != "" {
		changes = append(changes, change{entries[0].start, entries[0].start, text + ", "})
	}
	return changes
}
