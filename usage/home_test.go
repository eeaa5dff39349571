package usage_test

import (
	"os/user"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
)

func TestPath_Home_IsReplacedAtTheBeginningAlone(t *testing.T) {
	t.Setenv("HOME", "/h")
	for typed, want := range map[string]string{
		"~": "/h/", "~/": "/h/", "~/a b": "/h/a b", "~/a/~": "/h/a/~",
		"./~": "./~", "a~/b": "a~/b", "/~/a": "/~/a", "": "", "~nobody of that name/a": "~nobody of that name/a", "~.bak": "~.bak",
	} {
		got, err := usage.Path(typed)
		require.NoError(t, err)
		require.Equal(t, want, got, typed)
	}
	u, err := user.Current()
	if err != nil || u.Username == "" {
		t.Skip("this user has no name")
	}
	got, err := usage.Path("~" + u.Username + "/a")
	require.NoError(t, err)
	require.Equal(t, u.HomeDir+"/a", got)
	t.Setenv("HOME", "")
	got, err = usage.Path("~/a")
	require.NoError(t, err)
	require.Equal(t, u.HomeDir+"/a", got)
}
