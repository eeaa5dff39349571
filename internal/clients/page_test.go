package clients

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

var update = flag.Bool("update", false, "write the results into docs/compatibility.md; needs SIGHTLOG_CLIENTS=all")

// The results stand between these lines of the page.
const begin, end = "<!-- Results: written by UPDATE=1 make test-clients -->\n", "<!-- End of the results -->\n"

// row is what a client did here and, where it was tried, with Apache Kafka.
type row struct {
	result
	kafka result
}

// cell returns what the page says of a case.
func (r row) cell(name string) string {
	switch here, there := r.outcome[name], r.kafka.outcome[name]; {
	case here.word == "ok":
		return "yes"
	case here.word == "absent":
		return "–"
	case there.word == "failed":
		return "nor Kafka"
	default:
		return "no"
	}
}

// page is the tables of the page.
type page struct {
	version map[string]string
	cell    map[string]map[string]string // by client and case
}

func pagePath() string { return filepath.Join(testenv.Root(), "docs", "compatibility.md") }

// split returns the page before, between and after its marks.
func split(t *testing.T) (head, results, tail string) {
	t.Helper()
	b, err := os.ReadFile(pagePath())
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(b), begin)
	require.True(t, found, "%s has no line %q", pagePath(), begin)
	results, tail, found = strings.Cut(rest, end)
	require.True(t, found, "%s has no line %q", pagePath(), end)
	return head + begin, results, end + tail
}

func readPage(t *testing.T) page {
	t.Helper()
	p := page{map[string]string{}, map[string]map[string]string{}}
	_, results, _ := split(t)
	var names []string // of the columns
	for line := range strings.Lines(results) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 2 || strings.HasPrefix(cells[0], "---") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[0] == "" { // the head of a table
			names = nil
			for _, c := range cells[1:] {
				name, version, _ := strings.Cut(c, " ")
				names, p.version[name] = append(names, name), version
				if p.cell[name] == nil {
					p.cell[name] = map[string]string{}
				}
			}
			continue
		}
		for i, c := range cells[1:] {
			p.cell[names[i]][cells[0]] = c
		}
	}
	return p
}

// writePage writes the tables of all clients, and why a case is not "yes".
func writePage(t *testing.T, rows map[string]row) {
	t.Helper()
	require.Len(t, rows, len(clients), "only a run of all clients can be written")
	head, _, tail := split(t)
	var libraries, commands []string
	for _, c := range clients {
		if c.name == tools {
			commands = append(commands, c.name)
		} else {
			libraries = append(libraries, c.name)
		}
	}
	kafka := rows[tools].version // its tools are of its own version
	text := fmt.Sprintf("\nBeside Apache Kafka %s:\n\n%s\n%s\n%s", kafka, table(rows, libraries), table(rows, commands), reasons(rows))
	require.NoError(t, os.WriteFile(pagePath(), []byte(head+text+tail), 0o644))
}

func table(rows map[string]row, names []string) string {
	var cases, heads []string
	for _, n := range names {
		heads = append(heads, n+" "+rows[n].version)
		for _, c := range rows[n].cases {
			if !slices.Contains(cases, c) {
				cases = append(cases, c)
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(names)))
	for _, c := range cases {
		cells := []string{c}
		for _, n := range names {
			if _, ran := rows[n].outcome[c]; ran {
				cells = append(cells, rows[n].cell(c))
			} else {
				cells = append(cells, "–")
			}
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.String()
}

// reasons lists why a case is not "yes", in the program's words or ours.
func reasons(rows map[string]row) string {
	var b strings.Builder
	for _, c := range clients {
		r := rows[c.name]
		for _, name := range r.cases {
			if o := r.outcome[name]; o.word != "ok" {
				why := []rune(o.why)
				fmt.Fprintf(&b, "- %s, %s: %s.\n", c.name, name, strings.TrimSuffix(string(why[:min(len(why), 200)]), "."))
			}
		}
	}
	return b.String()
}
