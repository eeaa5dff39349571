package full

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/usage"
)

// writePage writes the page. Its file is made first, so that an audit without a page is not stored.
func (a *auditSample) writePage(ctx context.Context, env *cli.Env, name string) (err error) {
	if _, err := os.Stat(name); name != "" && err == nil {
		return usage.New("give another name", "--out %s exists", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".audit-*.part")
	if err != nil {
		return usage.Wrap(err, "give a file that you may write", "--out %s: %v", name, usage.Cause(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the cause
		}
	}()
	d, err := audit.Save(ctx, a.db, a.subject, a.population, a.seed, a.units)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if name == "" {
		name = fmt.Sprintf("audit-%d.html", d.ID)
	}
	if err := errors.Join(audit.WritePage(f, d, a.subject, a.population, a.pictures), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	n := d.Sizes
	stretches := fmt.Sprintf("%d stretches", n.Stretches)
	if n.Stretches < 0 {
		stretches = "no stretches: recall is not estimated"
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: audit %d of line %s, %d items of %d crossings in, %d out and %s; seed %d\nopen it in a browser, answer, and store the file that it saves: %s audit --answers FILE\n",
		name, d.ID, d.Line, len(a.units), n.In, n.Out, stretches, a.seed, env.Name)
	return err
}
