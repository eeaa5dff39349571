// Command sightlogd is sightlog without camera and model: broker, sink, serve,
// query. It links no C code.
package main

import (
	"os"

	"github.com/sightlog/sightlog/cli"
)

func main() { os.Exit(cli.Main("sightlogd", &cli.Commands{}, os.Args[1:])) }
