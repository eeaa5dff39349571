package rule

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"
)

// The kinds of receivers: the key of the entry that says where it is.
const (
	Webhook = "webhook"
	NTFY    = "ntfy"
	Email   = "email"
	MQTT    = "mqtt"
	Topic   = "topic"
)

// ReceiverKinds are all of them.
var ReceiverKinds = []string{Webhook, NTFY, Email, MQTT, Topic}

// Receiver is where alarms are sent.
type Receiver struct {
	Name   string
	Kind   string
	Where  string // the address, or the name of the topic
	User   string
	Secret Secret

	From   string   // of e-mail
	To     []string // of e-mail
	CAFile string   // PEM certificates to trust instead of the system's
	Prefix string   // of Home Assistant's discovery topics, of MQTT
	// Cameras: MQTT gets the state of each camera, too.
	Cameras bool

	Quiet  *Window // no delivery within it
	Drop   bool    // what falls into Quiet is dropped, not held
	TZ     *time.Location
	Ends   bool          // the end of an alarm is sent, too
	GiveUp time.Duration // a delivery that fails for so long is given up
}

// DefaultGiveUp is that of receivers that say nothing.
const DefaultGiveUp = 3 * day

// Due returns when a message that is ready at a time is sent, and false if it is dropped.
func (r *Receiver) Due(at time.Time) (time.Time, bool) {
	local := at.In(cmp.Or(r.TZ, time.UTC))
	if r.Quiet == nil || !r.Quiet.Contains(local) {
		return at, true
	}
	return r.Quiet.End(local), !r.Drop
}

// Secret says where a password, token or key is; it is never in the configuration itself.
type Secret struct {
	Env  string // a variable of the environment
	File string
}

// Read returns the secret, without a line's end behind it. It is "" if there is none.
func (s Secret) Read() (string, error) {
	switch {
	case s.File != "":
		b, err := os.ReadFile(s.File)
		return strings.TrimRight(string(b), "\r\n"), err
	case s.Env != "":
		v, set := os.LookupEnv(s.Env)
		if !set {
			return "", fmt.Errorf("the environment has no %s", s.Env)
		}
		return v, nil
	}
	return "", nil
}
