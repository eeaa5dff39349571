package api

import (
	"strings"

	"github.com/sightlog/sightlog/web/route"
)

// Prefix is what the paths of the API begin with.
const Prefix = "/api/v1/"

func isAPI(r route.Route) bool { return strings.Contains(r.Pattern, " "+Prefix) }
