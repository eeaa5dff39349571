// Command sightlog turns cameras and video files into rows in PostgreSQL.
package main

import (
	"os"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/cli/full"
)

func main() { os.Exit(cli.Main("sightlog", &full.Commands{}, os.Args[1:])) }
