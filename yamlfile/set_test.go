package yamlfile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/yamlfile"
)

func outline(numbers ...string) []any {
	var all []any
	for i := 0; i+1 < len(numbers); i += 2 {
		all = append(all, []any{numbers[i], numbers[i+1]})
	}
	return all
}

func TestSet_WrittenInManyWays_OnlyTheValueChanges(t *testing.T) {
	t.Parallel()
	square := outline("0.1", "0.1", "0.5", "0.1", "0.5", "0.5")
	zones := map[string]any{"mat": square}
	for name, c := range map[string]struct {
		text  string
		value any
		want  string
	}{
		"empty file":     {"", zones, "cameras:\n  door:\n    zones:\n      mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]\n"},
		"comments alone": {"# a file\n#cameras:\n#  door:", zones, "# a file\n#cameras:\n#  door:\ncameras:\n  door:\n    zones:\n      mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]\n"},
		"other keys": {"model: auto # the best\n\n# end\n", zones,
			"model: auto # the best\n\n# end\ncameras:\n  door:\n    zones:\n      mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]\n"},
		"end of the document marked": {"model: auto\n...\n", zones, "model: auto\ncameras:\n  door:\n    zones:\n      mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]\n...\n"},
		"camera without settings": {"cameras:\n    door: # soon\n    yard: {fps: 5}\n", zones,
			"cameras:\n    door: # soon\n      zones:\n        mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]\n    yard: {fps: 5}\n"},
		"camera with null":    {"cameras: {door: ~}\n", zones, "cameras: {door: {zones: {mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}}}\n"},
		"another zone stays":  {"cameras:\n  door:\n    zones:\n      # old\n      mat: [[0.1, 0.10], [.5, 0.1], [0.5, 5e-1]] # one\n", zones, ""},
		"one number":          {"cameras:\n  door:\n    zones:\n      mat: [ [0.1,0.1], [0.5, 0.1], # right\n        [0.5, 0.9] ] # mat\n", zones, "cameras:\n  door:\n    zones:\n      mat: [ [0.1,0.1], [0.5, 0.1], # right\n        [0.5, 0.5] ] # mat\n"},
		"zone renamed":        {"cameras: {door: {fps: 5, zones: {rug: [[0, 0], [1, 0], [1, 1]]}, motion: true}}", zones, "cameras: {door: {fps: 5, zones: {mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}, motion: true}}"},
		"points in lines":     {"cameras:\r\n  door:\r\n    zones:\r\n      mat:\r\n      - [0.1, 0.1] # left\r\n      - [0.5, 0.2]\r\n      - [0.5, 0.5] # end\r\nmodel: auto\r\n", zones, "cameras:\r\n  door:\r\n    zones:\r\n      mat:\r\n      - [0.1, 0.1] # left\r\n      - [0.5, 0.1]\r\n      - [0.5, 0.5] # end\r\nmodel: auto\r\n"},
		"numbers in lines":    {"cameras:\n  door:\n    zones:\n      mat:\n        -\n          - 0.1\n          - 0.3 # y\n        - - 0.5\n          - 0.1\n        - - 0.5\n          - 0.5\n", zones, "cameras:\n  door:\n    zones:\n      mat:\n        -\n          - 0.1\n          - 0.1 # y\n        - - 0.5\n          - 0.1\n        - - 0.5\n          - 0.5\n"},
		"removed":             {"cameras:\n  door:\n    fps: 5\n    # the mats\n    zones:\n      mat: [[0, 0], [1, 0], [1, 1]]\n    motion: true\n", nil, "cameras:\n  door:\n    fps: 5\n    # the mats\n    motion: true\n"},
		"removed in brackets": {"cameras: {door: {zones: {mat: [[0, 0], [1, 0], [1, 1]]}, fps: 5,}}\n", nil, "cameras: {door: {fps: 5,}}\n"},
		"added behind others": {"\ufeffcameras:\n  'door':\n    \"zones\":\n      ä: [[0, 0], [1, 0], [1, 1]]\n  yard:\n    fps: 5", map[string]any{"ä": outline("0", "0", "1", "0", "1", "1"), "a: b": square},
			"\ufeffcameras:\n  'door':\n    \"zones\":\n      ä: [[0, 0], [1, 0], [1, 1]]\n      \"a: b\": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]\n  yard:\n    fps: 5"},
		"alias":        {"z: &z {mat: [[0, 0], [1, 0], [1, 1]]}\ncameras:\n  door: {zones: *z }\n  yard: {zones: *z}\n", zones, "z: &z {mat: [[0, 0], [1, 0], [1, 1]]}\ncameras:\n  door: {zones: {mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]} }\n  yard: {zones: *z}\n"},
		"a point more": {"cameras: {door: {zones: {mat: [[0.1, 0.1], [0.5, 0.5]]}}}", zones, "cameras: {door: {zones: {mat: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}}}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.want == "" {
				c.want = c.text
			}
			got, err := yamlfile.Set([]byte(c.text), []string{"cameras", "door", "zones"}, c.value)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestSet_ValueSharedByAnAnchor_ByHand(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"cameras:\n  door: {zones: &z {mat: [[0, 0], [1, 0], [1, 1]]}}\n  yard: {zones: *z}\n", // both would change
		"cameras: &c\n  door: {zones: {mat: [[0, 0], [1, 0], [1, 1]]}}\nothers: *c\n",
		"cameras: 5\n",
		"[1, 2]\n",
	} {
		_, err := yamlfile.Set([]byte(text), []string{"cameras", "door", "zones"}, map[string]any{"mat": outline("0", "0", "0.5", "0", "1", "1")})
		require.ErrorIs(t, err, yamlfile.ErrByHand, text)
	}
}

// style writes tables and lists in a random one of the ways that people use.
type style struct{ *rand.Rand }

func (s style) comment() string {
	return []string{"", "", " # it's {a} [comment], \"so\"", "   #: x"}[s.IntN(4)]
}

func (s style) flow(v any) string {
	space := []string{"", " "}[s.IntN(2)]
	var parts []string
	switch v := v.(type) {
	case map[string]any:
		for _, k := range keys(v) {
			parts = append(parts, fmt.Sprintf("%q: %s", k, s.flow(v[k])))
		}
		return "{" + space + strings.Join(parts, ","+space) + space + "}"
	case []any:
		for _, x := range v {
			parts = append(parts, s.flow(x))
		}
		return "[" + space + strings.Join(parts, ","+space) + []string{"", ","}[s.IntN(2)] + space + "]"
	}
	return fmt.Sprint(v)
}

func keys(m map[string]any) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func (s style) block(v any, indent string) string {
	var b strings.Builder
	line := func(head string, x any) {
		if s.IntN(4) == 0 {
			b.WriteString(indent + "# before " + head + "\n")
		}
		_, isTable := x.(map[string]any)
		_, isList := x.([]any)
		if (isTable || isList) && s.IntN(3) > 0 {
			b.WriteString(indent + head + s.comment() + "\n" + s.block(x, indent+strings.Repeat(" ", 1+s.IntN(4))))
			return
		}
		b.WriteString(indent + head + " " + s.flow(x) + s.comment() + "\n")
		if s.IntN(4) == 0 {
			b.WriteString("\n")
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range keys(v) {
			line([]string{fmt.Sprintf("%q:", k), k + ":"}[s.IntN(2)], v[k])
		}
	case []any:
		for _, x := range v {
			line("-", x)
		}
	}
	return b.String()
}

func (s style) shapes() map[string]any {
	all := map[string]any{}
	for _, name := range []string{"mat", "tür", "z 3", "on", "it's"} {
		if s.IntN(2) == 0 {
			continue
		}
		var ps []any
		for range 2 + s.IntN(4) {
			ps = append(ps, []any{fmt.Sprintf("%.2f", s.Float64()), fmt.Sprintf("%.1f", s.Float64())})
		}
		all[name] = ps
	}
	return all
}

// TestSet_ManyFiles_AllElseStays changes one camera of files in many styles, and compares
// all that is not this camera's byte for byte.
func TestSet_ManyFiles_AllElseStays(t *testing.T) {
	t.Parallel()
	byHand := 0
	const rounds = 3000
	for seed := range uint64(rounds) {
		s := style{rand.New(rand.NewPCG(seed, 1))}
		before := "model: auto" + s.comment() + "\n# the cameras\ncameras:" + s.comment() + "\n" + s.block(map[string]any{"attic": map[string]any{"fps": "5", "zones": s.shapes()}}, "  ")
		after := s.block(map[string]any{"yard": map[string]any{"lines": s.shapes(), "motion": "true"}}, "  ") + "track: on # always\n"
		door := "  door:" + s.comment() + "\n" + s.block(map[string]any{"fps": "7", "zones": s.shapes(), "masks": []any{outline("0", "0", "1", "0", "1", "1")}}, "    ")
		text := before + door + after
		if s.IntN(3) == 0 {
			text, before, after = strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(after, "\n", "\r\n")
		}
		old, err := yamlfile.Parse([]byte(text))
		require.NoError(t, err, text)
		value := s.shapes()
		got, err := yamlfile.Set([]byte(text), []string{"cameras", "door", "zones"}, value)
		if errors.Is(err, yamlfile.ErrByHand) {
			byHand++
			continue
		}
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(got), before), "seed %d\n%s\n---\n%s", seed, text, got)
		require.True(t, strings.HasSuffix(string(got), after), "seed %d\n%s\n---\n%s", seed, text, got)
		now, err := yamlfile.Parse(got)
		require.NoError(t, err)
		old.(map[string]any)["cameras"].(map[string]any)["door"].(map[string]any)["zones"] = value
		if len(value) > 0 { // an empty table may be written as none
			require.Equal(t, old, now, "seed %d", seed)
		}
		again, err := yamlfile.Set(got, []string{"cameras", "door", "zones"}, value)
		require.NoError(t, err)
		require.Equal(t, string(got), string(again))
	}
	require.Zero(t, byHand, "of %d", rounds)
}

func TestSet_DeployedFile_OneBlockIsAdded(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/sightlog.yaml")
	require.NoError(t, err)
	got, err := yamlfile.Set(text, []string{"cameras", "door", "lines"}, map[string]any{"step": outline("0", "0.5", "1", "0.5")})
	require.NoError(t, err)
	require.Equal(t, string(text)+"cameras:\n  door:\n    lines:\n      step: [[0, 0.5], [1, 0.5]]\n", string(got))
	back, err := yamlfile.Set(got, []string{"cameras", "door", "lines"}, map[string]any{"stair": outline("0", "0.5", "1", "0.5")})
	require.NoError(t, err)
	require.Equal(t, string(text)+"cameras:\n  door:\n    lines:\n      stair: [[0, 0.5], [1, 0.5]]\n", string(back))
}

func FuzzSet(f *testing.F) {
	f.Add([]byte("cameras:\n  door:\n    zones:\n      mat: [[0, 0], [1, 0], [1, 1]] # a\n"))
	f.Add([]byte("cameras: {door: {zones: &z {mat: [[0, 0]]}}, a: *z}\n"))
	f.Add([]byte("a: " + strings.Repeat("- ", 30) + "b\n")) // an end that is that of 30 others
	f.Add([]byte(strings.Repeat("- ", 30) + "b\n"))
	f.Add([]byte("\ufeffa: |\n  x\n...\n"))
	value := map[string]any{"mat": outline("0", "0", "0.5", "0", "1", "1")}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := yamlfile.Set(text, []string{"cameras", "door", "zones"}, value)
		if err != nil {
			return
		}
		v, err := yamlfile.Parse(got)
		require.NoError(t, err)
		door := v.(map[string]any)["cameras"].(map[string]any)["door"].(map[string]any)
		require.Contains(t, door["zones"], "mat")
	})
}
