// Command sightlog turns cameras and video files into rows in PostgreSQL.
package main

import (
	"os"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/cli/camera"
)

func main() { os.Exit(cli.Main("sightlog", &camera.Commands{}, os.Args[1:])) }
