package full

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// maxSources bounds a file of sources, in bytes.
const maxSources = 1 << 20

// sources returns those of the flags and those of the file. It warns of a
// password that the command line shows.
func sources(env *cli.Env, flags []string, file string) ([]string, error) {
	for _, arg := range flags {
		typed := slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasSuffix(a, arg) })
		if spec, err := ingest.ParseSpec(arg, 0); typed && err == nil && ingest.HasPassword(spec.URI) {
			env.Logger(slog.LevelWarn).Warn("other users of this machine can see a password or stream key on the command line (ps); give such a source in a --source-file", "source", ingest.Redact(spec.URI))
		}
	}
	if file == "" {
		return flags, nil
	}
	more, err := readSources(file)
	return append(slices.Clip(flags), more...), err
}

// readSources reads one source a line. Empty lines and those that begin with #
// are passed over. A file with a password or stream key that others may read is refused.
func readSources(path string) ([]string, error) {
	at := "--source-file " + path
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, "check the path", "%s: no such file", at)
	case err != nil:
		return nil, usage.Wrap(err, "check its permissions", "%s: cannot be read", at)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return nil, usage.New("name a file", "%s: cannot be read", at)
	}
	var all []string
	secret := false
	lines := bufio.NewScanner(io.LimitReader(f, maxSources))
	for n := 1; lines.Scan(); n++ {
		line := cli.Entry(lines.Text())
		if line == "" {
			continue
		}
		if _, err := ingest.ParseSpec(line, 0); err != nil {
			return nil, usage.Wrap(err, "", "%s, line %d: %v", at, n, err)
		}
		secret = secret || ingest.HasPassword(line)
		all = append(all, line)
	}
	if err := lines.Err(); err != nil {
		return nil, usage.Wrap(err, "write one source a line", "%s: cannot be read: %v", at, err)
	}
	if len(all) == 0 {
		return nil, usage.New("write one [ID=]URI a line", "%s: no source", at)
	}
	if secret && st.Mode().Perm()&0o007 != 0 {
		return nil, usage.New("chmod o= "+path, "%s: it holds a password or stream key, and other users may read it", at)
	}
	return all, nil
}

// cameraNames returns the cameras of sources.
func cameraNames(sources []string) (names []string) {
	for i, arg := range sources {
		if spec, err := ingest.ParseSpec(arg, i); err == nil { // else it is reported where it is used
			names = append(names, spec.ID)
		}
	}
	return names
}

// childSources returns the sources as a child of this process has to be told
// them, and whether one of them is standard input: "<(…)" of a shell is a
// descriptor of this process alone.
func childSources(args []string) (out []string, stdin bool) {
	for i, arg := range args {
		spec, err := ingest.ParseSpec(arg, i)
		if err == nil { // else it is reported where it is used
			for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
				if fd, ours := strings.CutPrefix(spec.URI, dir); ours {
					arg = fmt.Sprintf("%s=/proc/%d/fd/%s", spec.ID, os.Getpid(), fd)
				}
			}
			stdin = stdin || spec.URI == ingest.Stdin
		}
		out = append(out, arg)
	}
	return out, stdin
}
