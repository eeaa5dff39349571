package config

// DefaultWeb is where the page is served when nobody says where.
const DefaultWeb = "127.0.0.1:8470"

// Web is where the page is served.
type Web struct {
	Web string `placeholder:"HOST:PORT|off" help:"Serve the page here (127.0.0.1:8470, or a free port if that is taken); off: not at all."`
}

// Addr returns where the page is served, and whether a person chose it. It is "" for nowhere.
func (w Web) Addr() (addr string, chosen bool) {
	switch w.Web {
	case "":
		return DefaultWeb, false
	case "off":
		return "", false
	}
	return w.Web, true
}
