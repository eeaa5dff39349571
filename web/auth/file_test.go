package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/route"
)

func TestFile_Changes_OnlyTheirLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	f := File(path)
	require.NoError(t, f.AddUser("kim", route.Admin, "a password"))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(b, "\n# of the door's display\n"...), 0o600))
	token, err := f.AddToken("display", route.Reader)
	require.NoError(t, err)
	require.Regexp(t, `^sightlog_[A-Za-z0-9_-]{43}$`, token)
	require.NoError(t, f.AddUser("lee@example.org", route.Reader, "another"))
	require.NoError(t, f.SetPassword("kim", "a new one"))
	require.NoError(t, f.RemoveUser("lee@example.org"))

	b, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Regexp(t, `^# Users.*\nuser kim admin \$argon2id\$\S+\n\n# of the door's display\ntoken display reader sha256:[0-9a-f]{64}\n$`, string(b))
	for _, secret := range []string{"password", "a new one", "another", token, strings.TrimPrefix(token, tokenPrefix)} {
		require.NotContains(t, strings.TrimPrefix(string(b), "# Users and tokens of the page, and the hashes of their passwords."), secret)
	}
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	all, err := f.Entries()
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.True(t, all[0].hash.matches("a new one"))
	require.Equal(t, route.Reader, all[1].Role)
}

func TestFile_WrongRequests_OneLineAndUnchanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	f := File(path)
	require.NoError(t, f.AddUser("kim", route.Admin, "a password"))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	for what, err := range map[string]error{
		"exists":          f.AddUser("kim", route.Reader, "x"),
		"letters, digits": f.AddUser("kim admin", route.Reader, "x"),
		`name "#x"`:       f.AddUser("#x", route.Reader, "x"),
		`no user "lee"`:   f.RemoveUser("lee"),
		`no token "kim"`:  f.RemoveToken("kim"),
		`has no user "l"`: f.SetPassword("l", "x"),
	} {
		require.ErrorContains(t, err, what)
		require.True(t, usage.Is(err), what)
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

func TestOpen_BrokenFiles_RefusedWithoutTheirHashes(t *testing.T) {
	t.Parallel()
	h := newHash("x").String()
	for content, want := range map[string]string{
		"user kim admin":                                            "line 1: write: user NAME ROLE HASH",
		"\n# x\nuser kim root " + h:                                 `line 3: role "root"`,
		"user kim admin " + h + "\nuser kim reader " + h:            "line 2: user kim is there twice",
		"user kim admin password":                                   "no argon2id hash",
		"token kim admin 12345":                                     "the hash of a token is sha256:",
		"group kim admin " + h:                                      `"group": a line begins with user or token`,
		"user k/m admin " + h:                                       "letters, digits",
		"user kim admin " + h + "\n" + strings.Repeat("#", maxFile): "larger than",
	} {
		path := filepath.Join(t.TempDir(), "users")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := Open(path, nil, nil)
		require.ErrorContains(t, err, want)
		require.True(t, usage.Is(err), want)
		require.NotContains(t, err.Error(), h)
	}
	_, err := Open(filepath.Join(t.TempDir(), "none"), nil, nil)
	require.ErrorContains(t, err, "sightlogd web user add NAME")
}

func TestOpen_FileThatOthersCanWrite_Refused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, File(path).AddUser("kim", route.Admin, "a password"))
	require.NoError(t, os.Chmod(path, 0o622))
	_, err := Open(path, nil, nil)
	require.ErrorContains(t, err, "chmod 600")
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = Open(path, nil, nil)
	require.NoError(t, err)
}
