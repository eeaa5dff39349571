package full

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/pipeline"
)

// sayHowToResume says which sources were not read to their end and how to go
// on. A live source cannot be: its next start is a new run.
func sayHowToResume(env *cli.Env, cams []pipeline.CameraStatus, args []string) {
	var left []string
	for _, c := range cams {
		switch {
		case c.Live || c.State == pipeline.Ended:
		case c.Total > 0:
			left = append(left, fmt.Sprintf("%s (%d of %d frames)", c.ID, max(0, c.Total-c.Next-c.Frames-c.Skipped), c.Total))
		default:
			left = append(left, c.ID)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(env.Stdout, "left to read: %s; go on with: %s\n", strings.Join(left, ", "), again(args))
	}
}

// again is the command line that was given, for a shell, or words for it where
// it holds a password.
func again(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		if secret(arg) {
			return "the same command"
		}
		quoted[i] = quote(arg)
	}
	return strings.Join(quoted, " ")
}

// secret reports whether an argument holds a password or a stream key, as in
// --source=door=rtsp://user:password@host or --sasl-password=….
func secret(arg string) bool {
	if strings.HasPrefix(arg, "--") && strings.Contains(strings.SplitN(arg, "=", 2)[0], "password") {
		return true
	}
	before, _, ok := strings.Cut(arg, "://")
	if !ok {
		return false
	}
	uri := arg[strings.LastIndexAny(before, "=, ")+1:]
	return ingest.Redact(uri) != uri
}

var plain = regexp.MustCompile(`^[-\w./:=,@%+]+$`)

// quote makes one word of a shell's command line.
func quote(arg string) string {
	if plain.MatchString(arg) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
