package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
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
	if err := file.Check(path, fileKeys(ctx.Model.Node)); err != nil {
		return err
	}
	e.Cameras, e.Places = file.Cameras(), file.Places()
	e.Alarms = pipeline.Alarms{Rules: file.Alarms(), Receivers: file.Receivers(), Reports: file.Reports()}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil
			}
		}
		if flag.Name == config.SnapshotsKey && flag.IsBool() { // the file's is that of detect; audit has a flag of the name
			return nil, nil
		}
		if flag.Name == config.CamerasKey { // the file's is a table of the cameras, bench's flag their number
			return nil, nil
		}
		return file[flag.Name], nil
	}))
	return nil
}

// fullKeys are the keys of the commands that bin/sightlog alone has. bin/sightlogd
// accepts them, so that its services read the file that detect reads. A test of cli/full
// compares them with those commands.
var fullKeys = []string{
	"acks", "against", "answers", "broker-pid", "classes", "clip", "compare", "dir", "duration", "flush", "for", "found", "fps", "html",
	"images", "in-flight", "json", "kafka-jars", "labels", "list", "model", "n", "p99", "pace", "partitioner", "people", "preview",
	"privacy", "producers", "python", "rate", "results", "rounds", "score", "seed", "show", "side", "sightings", "size", "skip-empty",
	"snapshot-stretches", "snapshots", "source", "source-file", "spool", "spool-space", "start-timeout", "terminal", "threads", "track",
	"tracks", "unverified", "venv", "warm-up",
}

// fileKeys returns the keys that a configuration file may have: those of the commands of
// both programs.
func fileKeys(node *kong.Node) []string {
	keys := append(flagNames(node), fullKeys...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// allFlags returns the flags of a command and its subcommands.
func allFlags(node *kong.Node) []*kong.Flag {
	flags := slices.Clone(node.Flags)
	for _, child := range node.Children {
		flags = append(flags, allFlags(child)...)
	}
	return flags
}

// flagNames returns the names of those that a configuration file may hold, sorted, once
// each.
func flagNames(node *kong.Node) []string {
	var names []string
	for _, flag := range allFlags(node) {
		if flag.Name != "help" && flag.Name != "config" && flag.Name != config.CamerasKey && !flag.Hidden {
			names = append(names, flag.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Entry returns what a line of a file of sources or users holds: "" if it is empty or a
// comment. The byte order mark that some editors put first is passed over.
func Entry(line string) string {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	if strings.HasPrefix(line, "#") {
		return ""
	}
	return line
}
