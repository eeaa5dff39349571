package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHash_Password_MatchesItselfAlone(t *testing.T) {
	t.Parallel()
	h := newHash("correct horse battery")
	require.True(t, h.matches("correct horse battery"))
	require.False(t, h.matches("correct horse batterz"))
	require.False(t, h.matches(""))
	require.NotEqual(t, h.String(), newHash("correct horse battery").String(), "each has a salt of its own")
	again, err := parseHash(h.String())
	require.NoError(t, err)
	require.Equal(t, h, again)
	require.False(t, h.dummy().matches("correct horse battery"))
	require.Equal(t, h.cost, h.dummy().cost, "an unknown user takes as long")
}

// The text is from the argon2 command of the reference implementation:
// echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32
func TestHash_OfReferenceImplementation_Matches(t *testing.T) {
	t.Parallel()
	h, err := parseHash("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	require.NoError(t, err)
	require.True(t, h.matches("password"))
	require.False(t, h.matches("passwore"))
}

func TestParseHash_Broken_Refused(t *testing.T) {
	t.Parallel()
	good := newHash("x").String()
	for name, text := range map[string]string{
		"empty": "", "plain text": "password", "argon2i": strings.Replace(good, "argon2id", "argon2i", 1),
		"version": strings.Replace(good, "v=19", "v=16", 1), "no memory": strings.Replace(good, "m=19456", "m=0", 1),
		"memory of the machine": strings.Replace(good, "m=19456", "m=4194304", 1), "for ever": strings.Replace(good, "t=2", "t=4000", 1),
		"no lanes": strings.Replace(good, "p=1", "p=0", 1), "rest": good + "AA$", "cut": good[:len(good)-20],
		"no salt": good[:strings.Index(good, "p=1$")+4] + good[strings.LastIndex(good, "$"):], "not base64": strings.Replace(good, "$argon2id", "$argon2id", 1) + "!",
		"overflow": strings.Replace(good, "m=19456", "m=99999999999", 1), "other form": strings.Replace(good, "m=19456", "m=019456", 1),
	} {
		_, err := parseHash(text)
		require.Error(t, err, name)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := parseHash(text); err == nil {
			require.Equal(t, text, h.String())
			require.LessOrEqual(t, h.memory, maxCost.memory)
		}
	})
}
