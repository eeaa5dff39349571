package full

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// findFiles returns the runs whose file can be read again, the oldest first, and the files by the
// runs' ids: clip, or else where each run found it. Of several runs of one file only the newest is
// returned.
func findFiles(ctx context.Context, env *cli.Env, runs []audit.Run, clip string) (found []audit.Run, files map[int32]string, err error) {
	files = make(map[int32]string)
	content := make(map[string]bool)
	var missing []string
	for _, run := range slices.Backward(runs) {
		path := run.Source
		if clip != "" {
			path = clip
		}
		err := checkFile(ctx, path, run.Fingerprint)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err != nil:
			missing = append(missing, fmt.Sprintf("%s: %v", run.Source, err))
		case content[run.Fingerprint]:
			fmt.Fprintf(env.Stderr, "note: run %s is not audited, because a later one read the same file\n", run.Name)
		default:
			content[run.Fingerprint] = true
			found, files[run.ID] = append(found, run), path
		}
	}
	switch {
	case len(found) > 0 && clip == "":
		for _, m := range missing {
			fmt.Fprintf(env.Stderr, "note: a run is not audited: %s\n", m)
		}
	case len(found) > 0:
	case clip != "":
		return nil, nil, usage.New("give the file of the run: "+runs[len(runs)-1].Source, "--clip %s: not read by the camera in that time: %s", clip, missing[0])
	default:
		return nil, nil, usage.New("give --clip FILE", "no run of that time can be read again: %s", missing[0])
	}
	slices.Reverse(found)
	return found, files, nil
}

// checkFile returns an error if what the path names is not the content of a fingerprint.
func checkFile(ctx context.Context, path, fingerprint string) error {
	if fingerprint == "" {
		return fmt.Errorf("it cannot be read a second time")
	}
	spec, err := ingest.ParseSpec("audit="+path, 0)
	if err != nil {
		return usage.Cause(err)
	}
	if spec.URI == ingest.Stdin {
		return fmt.Errorf("it cannot be read a second time")
	}
	if kind, err := spec.Kind(); err == nil && (kind == event.SourceFile || kind == event.SourceImages) {
		if _, err := os.Stat(spec.URI); err != nil {
			return usage.Cause(err)
		}
	}
	src, err := ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast})
	if err != nil {
		return usage.Cause(err)
	}
	defer src.Close()
	if src.Info().Fingerprint != fingerprint && !ingest.Continues(spec, fingerprint) {
		return fmt.Errorf("its content is another")
	}
	return nil
}
