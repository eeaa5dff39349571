package usage

import (
	"os"
	"os/user"
	"strings"
)

// Path returns a path that was typed, with a ~ or ~name at its beginning
// replaced by that home directory. A shell does so only where a word begins,
// not in --data=~/log or door=~/door.mp4, and nobody does so in a file of keys.
// A name that is no user's stays as it is; so does ./~.
func Path(typed string) (string, error) {
	if !strings.HasPrefix(typed, "~") {
		return typed, nil
	}
	name, rest, _ := strings.Cut(typed[1:], "/")
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return typed, nil
		}
		return u.HomeDir + "/" + rest, nil
	}
	home := os.Getenv("HOME")
	if home == "" {
		u, err := user.Current()
		if err != nil || u.HomeDir == "" {
			return "", New("write the directory out, or set HOME", "%s: this user has no home directory", typed)
		}
		home = u.HomeDir
	}
	return home + "/" + rest, nil
}
