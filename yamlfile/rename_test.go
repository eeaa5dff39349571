package yamlfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/yamlfile"
)

func TestRename_Keys_NoOtherByteChanges(t *testing.T) {
	names := map[string]string{"a": "b", "b": "a b", "none": "x"}
	for name, c := range map[string]struct{ text, want string }{
		"lines":        {"# top\nk:\n  b: 1   # one\n  a:  [2] # two\nz: {a: 1}\n", "# top\nk:\n  \"a b\": 1   # one\n  b:  [2] # two\nz: {a: 1}\n"},
		"brackets":     {"k: { a : 1,b: 2 } # end", "k: { b : 1,\"a b\": 2 } # end"},
		"quotes":       {"k: {'a': 1, \"b\": 2}\n", "k: {b: 1, \"a b\": 2}\n"},
		"CRLF":         {"k:\r\n  a: |\r\n    b: text\r\n", "k:\r\n  b: |\r\n    b: text\r\n"},
		"a long value": {"k:\n  a:\n    a: 1\n    b: [é, a]\n", "k:\n  b:\n    a: 1\n    b: [é, a]\n"},
		"no table":     {"k: [a, b]\n", "k: [a, b]\n"},
		"nothing":      {"", ""},
	} {
		got, err := yamlfile.Rename([]byte(c.text), []string{"k"}, names)
		require.NoError(t, err, name)
		require.Equal(t, c.want, string(got), name)
	}
}

func TestRename_SharedOrDoubled_ByHand(t *testing.T) {
	for name, text := range map[string]string{
		"shared":  "z: &s {a: 1}\nk: *s\n",
		"anchor":  "k: &s {a: 1}\nz: *s\n",
		"doubled": "k: {a: 1, d: 2}\n",
	} {
		_, err := yamlfile.Rename([]byte(text), []string{"k"}, map[string]string{"a": "d"})
		require.ErrorIs(t, err, yamlfile.ErrByHand, name)
	}
}
