package yamlfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/yamlfile"
)

func TestParse_Scalars_KeepTheirText(t *testing.T) {
	t.Parallel()
	v, err := yamlfile.Parse([]byte("\ufeff# a mark first\n---\na: 0123\nb: 1.10\nc: 0x10\nd: 1_000\ne: 1e3\nf: on\ng: 2026-11-25\nh: '~'\ni: ~\nj:\nk: null\nl: \"a\\nb\"\n007: [.5, True, 12:30:45]\n...\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": "0123", "b": "1.10", "c": "0x10", "d": "1_000", "e": "1e3", "f": "on", "g": "2026-11-25",
		"h": "~", "i": nil, "j": nil, "k": nil, "l": "a\nb", "007": []any{".5", "True", "12:30:45"}}, v)
}

func TestParse_Empty_Nil(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing\n", "\ufeff", "---\n"} {
		v, err := yamlfile.Parse([]byte(text))
		require.NoError(t, err)
		require.Nil(t, v)
	}
}

func TestParse_Alias_Repeats(t *testing.T) {
	t.Parallel()
	v, err := yamlfile.Parse([]byte("a: &z [1, 2]\nb: *z\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": []any{"1", "2"}, "b": []any{"1", "2"}}, v)
}

// laughs is a list of lists of aliases: 9 lines that stand for 10^9 values.
func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func TestParse_Refused_OneLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"brackets":            {strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000), "exceeded max depth"},
		"brackets, fewer":     {strings.Repeat("[", 40) + strings.Repeat("]", 40), "nested deeper than 32"},
		"braces":              {strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000), "nested deeper than 32"},
		"dashes":              {strings.Repeat("- ", 200_000), "exceeded max depth"},
		"dashes, fewer":       {strings.Repeat("- ", 5000), "nested deeper than 32"},
		"question marks":      {strings.Repeat("? ", 5000), "a key that is no plain text"},
		"aliases of aliases":  {laughs(), "more than 100000 values, aliases included"},
		"alias in its anchor": {"a: &a [*a]", "nested deeper than 32"},
		"many values":         {"[" + strings.Repeat("0,", 150_000) + "0]", "more than 100000 values"},
		"large":               {strings.Repeat("#", 1<<20+1), "larger than 1048576 bytes"},
		"second document":     {"a: 1\n---\nb: 2\n", "line 2: a second document begins; give one"},
		"empty second":        {"a: 1\n---\n", "a second document begins"},
		"key twice":           {"a: 1\nb: 2\na: 3", `line 3: the key "a" is there twice`},
		"inner key twice":     {"a: {0: 1, 0: 2}", `line 1: the key "0" is there twice`},
		"tag":                 {"a: !!binary aGk=", "line 1: the tag !!binary; write the value without it"},
		"merge":               {"a: &a {b: 1}\nc: {<<: *a}", "line 2: the merge key <<"},
		"no YAML":             {"a: [1", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := yamlfile.Parse([]byte(c.text))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 400)
			var v struct{ A []string }
			require.Error(t, yamlfile.Decode([]byte(c.text), &v))
		})
	}
}

func TestDecode_Struct_TextAndUnknownKeys(t *testing.T) {
	t.Parallel()
	var v struct {
		Names []string `yaml:"names"`
		N     float32  `yaml:"n"`
	}
	require.NoError(t, yamlfile.Decode([]byte("\ufeffnames: [0123, 1.10, on]\nn: 0.5\n"), &v))
	require.Equal(t, []string{"0123", "1.10", "on"}, v.Names)
	require.ErrorContains(t, yamlfile.Decode([]byte("name: 1\n"), &v), "line 1: field name not found")
	require.NoError(t, yamlfile.Decode(nil, &v))
}

func TestRead_DeviceWithoutEnd_Refused(t *testing.T) {
	t.Parallel()
	_, err := yamlfile.Read("/dev/zero")
	require.ErrorContains(t, err, "larger than")
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(path, []byte("a: 1"), 0o600))
	b, err := yamlfile.Read(path)
	require.NoError(t, err)
	require.Equal(t, "a: 1", string(b))
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"a: [1, {b: c}]", laughs(), "a: &a [*a]", "? [x]\n: y", "\ufeffa: 1\n---\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := yamlfile.Parse(b); err != nil && v != nil {
			t.Fatal("a value and an error")
		}
	})
}
