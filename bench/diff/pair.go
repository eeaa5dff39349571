package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

// MinRounds is the number of rounds that each side needs.
const MinRounds = 5

// Side is a file of reports.
type Side struct {
	File    string
	Reports []*result.Report
}

// pair is two reports of one thing.
type pair struct{ a, b *result.Report }

// pairs matches the reports of two files, in the order of the first. Each has its counterpart,
// enough rounds and figures that count; without unlike they are also of one kind, machine
// and input. Errors are *usage.Error.
func pairs(a, b Side, unlike bool) (all []pair, err error) {
	if len(a.Reports) == 1 && len(b.Reports) == 1 {
		all = []pair{{a.Reports[0], b.Reports[0]}}
	} else if all, err = match(a, b); err != nil {
		return nil, err
	}
	for _, p := range all {
		for _, s := range []struct {
			file string
			r    *result.Report
		}{{a.File, p.a}, {b.File, p.b}} {
			if !s.r.Correct.OK() {
				return nil, usage.New("measure again", "%s: the report of %s proves nothing, because not every record arrived, once and in order", s.file, Name(s.r))
			}
			if n := len(s.r.Rounds); n < MinRounds {
				return nil, usage.New(fmt.Sprintf("measure again with --rounds %d or more", MinRounds), "%s: the report of %s has %d rounds, a test needs %d",
					s.file, Name(s.r), n, MinRounds)
			}
		}
		if differences := Differences(p.a, p.b); len(differences) > 0 && !unlike {
			return nil, usage.New("measure both on one machine with the same inputs, or add --unlike", "%s and %s are not comparable: %s",
				a.File, b.File, strings.Join(differences, "; "))
		}
	}
	return all, nil
}

// match finds for each report of a the one of b with the same name and point.
func match(a, b Side) (all []pair, err error) {
	others := make(map[string]*result.Report)
	for _, r := range b.Reports {
		if others[Name(r)] != nil {
			return nil, usage.New("give a file with one report of each", "%s: two reports of %s", b.File, Name(r))
		}
		others[Name(r)] = r
	}
	for _, r := range a.Reports {
		other := others[Name(r)]
		if other == nil {
			return nil, usage.New("measure the same in both", "%s has no report of %s, which %s has", b.File, Name(r), a.File)
		}
		delete(others, Name(r))
		all = append(all, pair{r, other})
	}
	for _, r := range b.Reports {
		if others[Name(r)] != nil {
			return nil, usage.New("measure the same in both", "%s has no report of %s, or has it twice; %s has one", a.File, Name(r), b.File)
		}
	}
	return all, nil
}

// Name tells a report apart from the others of its file: its kind, name and point.
func Name(r *result.Report) string {
	words := []string{string(r.Kind)}
	if r.Name != "" {
		words = append(words, r.Name)
	}
	for _, axis := range slices.Sorted(maps.Keys(r.Point)) {
		words = append(words, axis+"="+r.Point[axis])
	}
	return strings.Join(words, " ")
}

// Differences returns what makes two reports incomparable: kind, machine, clip and model.
func Differences(a, b *result.Report) (all []string) {
	if a.Kind != b.Kind {
		all = append(all, fmt.Sprintf("kind: %s and %s", a.Kind, b.Kind))
	}
	all = append(all, result.SameMachine(a, b)...)
	for _, role := range slices.Sorted(maps.Keys(roles(a, b))) {
		if x, y := inputs(a, role), inputs(b, role); !slices.Equal(x, y) {
			all = append(all, fmt.Sprintf("%s: %s and %s", role, orNone(x), orNone(y)))
		}
	}
	return all
}

func roles(reports ...*result.Report) map[string]bool {
	all := make(map[string]bool)
	for _, r := range reports {
		for _, in := range r.Inputs {
			all[in.Role] = true
		}
	}
	return all
}

// inputs are the inputs of a role, each by its name and the beginning of its hash.
func inputs(r *result.Report, role string) (all []string) {
	for _, in := range r.Inputs {
		if in.Role == role {
			all = append(all, fmt.Sprintf("%s (%.12s)", in.Name, in.SHA256))
		}
	}
	slices.Sort(all)
	return all
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// Settings returns the settings that differ, one text each, sorted.
func Settings(a, b *result.Report) (all []string) {
	names := make(map[string]bool)
	for _, r := range []*result.Report{a, b} {
		for name := range r.Settings {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if x, y := a.Settings[name], b.Settings[name]; x != y {
			all = append(all, fmt.Sprintf("%s: %s and %s", name, orNothing(x), orNothing(y)))
		}
	}
	return all
}

func orNothing(s string) string {
	if s == "" {
		return "unset"
	}
	return s
}
