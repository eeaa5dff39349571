package yamlfile

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ErrByHand is the reason why Set leaves a text as it is: it is written in a way that a
// program cannot change without changing more than was asked for.
var ErrByHand = errors.New("it is written in a way that has to be edited by hand")

// editor knows where the values of a text are, in bytes. The parser gives the line and the
// column, in characters, at which a value begins; its end is where its last part ends.
type editor struct {
	text  []byte
	lines []int  // offset of each line's first byte
	eol   string // line ending of the text
	root  *yaml.Node
	path  int // depth of the value that is set
	ends  map[*yaml.Node]place

	last struct{ line, column, at int } // of offset
}

// entry is a key with its value, or an item of a list.
type entry struct {
	node  *yaml.Node // the value
	name  string     // of a key
	key   bool
	flow  bool // in brackets
	depth int  // of keys and lists around the value
	start int  // of the key, of the item, or of the dash before it
	from  int  // behind the colon or the dash
}

// change replaces the bytes from a to b.
type change struct {
	a, b int
	text string
}

func newEditor(text []byte) *editor {
	e := &editor{text: text, eol: "\n", ends: make(map[*yaml.Node]place)}
	at := 0
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		at = len("\ufeff")
	}
	e.lines = append(e.lines, at)
	for i := at; i < len(text); {
		n := lineBreak(text[i:])
		if n == 0 {
			i++
			continue
		}
		if len(e.lines) == 1 && n == 2 && text[i] == '\r' {
			e.eol = "\r\n"
		}
		i += n
		e.lines = append(e.lines, i)
	}
	return e
}

// lineBreak returns the length of the line ending at the beginning of b, as YAML 1.1 knows
// them, or 0.
func lineBreak(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case b[0] == '\n', b[0] == '\r':
		return 1
	case bytes.HasPrefix(b, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(b, []byte("\u2028")), bytes.HasPrefix(b, []byte("\u2029")):
		return 3
	}
	return 0
}

// offset returns where a node begins. Nodes are asked for in about the order of the text:
// the search in a line begins at the node before.
func (e *editor) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(e.lines) {
		return len(e.text)
	}
	if e.last.line != n.Line || e.last.column > n.Column {
		e.last.line, e.last.column, e.last.at = n.Line, 1, e.lines[n.Line-1]
	}
	for e.last.column < n.Column && e.last.at < len(e.text) {
		_, size := utf8.DecodeRune(e.text[e.last.at:])
		e.last.at += size
		e.last.column++
	}
	return e.last.at
}

// line returns the number of the line, from 0, that an offset is in.
func (e *editor) line(at int) int {
	i, found := slices.BinarySearch(e.lines, at)
	if found {
		return i
	}
	return max(0, i-1)
}

// nextLine returns where the line after the one of an offset begins.
func (e *editor) nextLine(at int) int {
	if i := e.line(at) + 1; i < len(e.lines) {
		return e.lines[i]
	}
	return len(e.text)
}

// onNewLine returns lines to be inserted at an offset, after a line ending if the text
// before has none.
func (e *editor) onNewLine(at int, lines string) string {
	if at > 0 && e.lines[e.line(at)] != at {
		return e.eol + lines
	}
	return lines
}

// indent returns the spaces before an offset in its line, as many as the columns are.
func (e *editor) indent(at int) string {
	return strings.Repeat(" ", utf8.RuneCount(e.text[e.lines[e.line(at)]:at]))
}

// blank passes over white space, line endings and comments.
func (e *editor) blank(at int) int {
	for at < len(e.text) {
		n := lineBreak(e.text[at:])
		switch c := e.text[at]; {
		case n > 0:
			at += n
		case c == ' ' || c == '\t':
			at++
		case c == '#':
			at = e.nextLine(at)
		default:
			return at
		}
	}
	return at
}

// behind returns the offset behind a byte that follows at, or an error.
func (e *editor) behind(at int, c byte) (int, error) {
	if at = e.blank(at); at < len(e.text) && e.text[at] == c {
		return at + 1, nil
	}
	return 0, ErrByHand
}

// begin is offset, behind the anchor if the node has one.
func (e *editor) begin(n *yaml.Node) int {
	at := e.offset(n)
	if n.Anchor != "" {
		at = e.blank(at + 1 + len(n.Anchor))
	}
	return at
}

// entries returns those of the mapping or the sequence that is the value of in.
func (e *editor) entries(in entry) (all []entry, err error) {
	n, behind := in.node, e.begin(in.node)
	for i := 0; i < len(n.Content); i++ {
		x := entry{node: n.Content[i], flow: isFlow(n), depth: in.depth + 1, start: e.offset(n.Content[i])}
		x.from = x.start
		switch {
		case n.Kind == yaml.MappingNode:
			x.key, x.name = true, x.node.Value
			end, err := e.end(x)
			if err != nil {
				return nil, err
			}
			if x.from, err = e.behind(end, ':'); err != nil {
				return nil, err
			}
			i++
			x.node = n.Content[i]
		case !x.flow:
			if x.from, err = e.behind(behind, '-'); err != nil {
				return nil, err
			}
			x.start = x.from - 1
			if behind, err = e.end(x); err != nil {
				return nil, err
			}
		}
		all = append(all, x)
	}
	return all, nil
}

// end returns the offset behind an entry's value. It is remembered: the end of a list is
// that of its last item, and so on, at each of its levels.
func (e *editor) end(x entry) (at int, err error) {
	if known, ok := e.ends[x.node]; ok {
		return known.at, known.err
	}
	at, err = e.findEnd(x)
	e.ends[x.node] = place{at, err}
	return at, err
}

// place is an offset, or the reason why it is not known.
type place struct {
	at  int
	err error
}

func (e *editor) findEnd(x entry) (int, error) {
	n, at := x.node, e.begin(x.node)
	if isNothing(n) {
		return x.from, nil
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return e.literally(at, "*"+n.Value)
	case n.Kind == yaml.ScalarNode && n.Style == 0:
		return e.literally(at, n.Value)
	case n.Kind == yaml.ScalarNode:
		return e.quoted(at, n.Style)
	}
	inner, err := e.entries(x)
	if err != nil {
		return 0, err
	}
	end := at
	if len(inner) > 0 {
		if end, err = e.end(inner[len(inner)-1]); err != nil {
			return 0, err
		}
	} else {
		end++ // behind the bracket: without one, a list has items
	}
	if !isFlow(n) {
		return end, nil
	}
	if comma, err := e.behind(end, ','); err == nil {
		end = comma
	}
	if n.Kind == yaml.MappingNode {
		return e.behind(end, '}')
	}
	return e.behind(end, ']')
}

// literally returns the offset behind a text that stands as it is; one of several lines
// does not.
func (e *editor) literally(at int, text string) (int, error) {
	if !bytes.HasPrefix(e.text[at:], []byte(text)) {
		return 0, ErrByHand
	}
	return at + len(text), nil
}

// quoted returns the offset behind a text in quotes.
func (e *editor) quoted(at int, style yaml.Style) (int, error) {
	double := style&yaml.DoubleQuotedStyle != 0
	if !double && style&yaml.SingleQuotedStyle == 0 || at >= len(e.text) {
		return 0, ErrByHand
	}
	quote := e.text[at]
	for i := at + 1; i < len(e.text); i++ {
		switch c := e.text[i]; {
		case double && c == '\\':
			i++
		case c == quote && !double && i+1 < len(e.text) && e.text[i+1] == quote:
			i++
		case c == quote:
			return i + 1, nil
		}
	}
	return 0, ErrByHand
}

// isFlow, isBlock and isNothing report how a value is written: in brackets, in lines of its
// own, or not at all.
func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isBlock(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !isFlow(n)
}

func isNothing(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && n.Tag == "!!null" && n.Value == ""
}
