package full

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline/detect"
	"github.com/sightlog/sightlog/usage"
)

// ModelsCmd is the catalogue.
type ModelsCmd struct {
	List   ModelsListCmd   `cmd:"" help:"The models of the catalogue, and which are installed."`
	Pull   ModelsPullCmd   `cmd:"" help:"Download a model; checked by its sha256."`
	Verify ModelsVerifyCmd `cmd:"" help:"Check the installed models."`
}

// ModelsListCmd lists the catalogue.
type ModelsListCmd struct{}

// Run implements the command.
func (*ModelsListCmd) Run(env *cli.Env) error {
	auto := detect.AutoModel()
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tINSTALLED\tLICENCE\tINPUT\tABOUT")
	for _, e := range models.Catalogue() {
		here := "yes"
		if _, err := models.Lookup(e.Name, models.Options{}); err != nil {
			here = "no"
		}
		name := e.Name
		if name == auto {
			name += " (default)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, here, e.Licence, e.Input, e.About)
	}
	return w.Flush()
}

// ModelsPullCmd downloads a model.
type ModelsPullCmd struct {
	Name       string `arg:"" help:"Name in the catalogue."`
	Unverified bool   `help:"Pull a model whose checksum is not known."`
}

// Run implements the command.
func (c *ModelsPullCmd) Run(ctx context.Context, env *cli.Env) error {
	path, err := models.Pull(ctx, c.Name, models.PullOptions{
		Unverified: c.Unverified,
		Progress: func(done, total int64) {
			fmt.Fprintf(env.Stderr, "\r%s: %.1f of %.1f MB", c.Name, float64(done)/1e6, float64(max(done, total))/1e6)
		},
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "\n%s\n", path)
	return err
}

// ModelsVerifyCmd checks the installed files.
type ModelsVerifyCmd struct{}

// Run implements the command.
func (*ModelsVerifyCmd) Run(env *cli.Env) error {
	found := models.Verify(models.Options{})
	bad := 0
	for _, path := range slices.Sorted(maps.Keys(found)) {
		result := "ok"
		if err := found[path]; err != nil {
			result = err.Error()
			bad++
		}
		fmt.Fprintf(env.Stdout, "%s  %s\n", path, result)
	}
	if bad > 0 {
		return usage.New("remove them and pull again", "%d model files are not what the catalogue states", bad)
	}
	return nil
}
