package cli

import (
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/sightlog/sightlog/config"
)

// loadFile reads the file of --config, if any, for the flags that neither the command
// line nor the environment sets. A key of any command is allowed, so that one file serves
// them all.
func (e *Env) loadFile(ctx *kong.Context) error {
	var path string
	for _, flag := range ctx.Flags() {
		if flag.Name == "config" {
			path, _ = ctx.FlagValue(flag).(string)
		}
	}
	if path == "" {
		return nil
	}
	file, err := config.Load(path)
	if err != nil {
		return err
	}
	if err := file.Check(path, flagNames(ctx.Model.Node)); err != nil {
		return err
	}
	e.Cameras = file.Cameras()
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil
			}
		}
		return file[flag.Name], nil
	}))
	return nil
}

// allFlags returns the flags of a command and its subcommands.
func allFlags(node *kong.Node) []*kong.Flag {
	flags := slices.Clone(node.Flags)
	for _, child := range node.Children {
		flags = append(flags, allFlags(child)...)
	}
	return flags
}

// flagNames returns their names, sorted, once each.
func flagNames(node *kong.Node) []string {
	var names []string
	for _, flag := range allFlags(node) {
		if flag.Name != "help" && flag.Name != "config" {
			names = append(names, flag.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
