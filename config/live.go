package config

// ShowLive is where detect shows what its cameras see, to a serve that runs apart.
type ShowLive struct {
	Live      string `placeholder:"HOST:PORT|PATH" help:"Show what the cameras see, while somebody looks, at this address or Unix socket: to a serve with the same --live. Other addresses than of loopback need --live-token."`
	LiveToken string `placeholder:"SECRET" help:"The token of --live; better given as SIGHTLOG_LIVE_TOKEN."`
}

// SeeLive is where the detects show what their cameras see.
type SeeLive struct {
	Live      []string `placeholder:"HOST:PORT|PATH" help:"Where the detects that run apart show what their cameras see (their --live), for the page."`
	LiveToken string   `placeholder:"SECRET" help:"The token of --live; better given as SIGHTLOG_LIVE_TOKEN."`
}
