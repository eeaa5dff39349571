package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/alarm/rule"
)

// ReceiversKey is the key of the receivers.
//
//	receivers:
//	  phone: {ntfy: https://ntfy.example.org/home, quiet: 23:00-07:00}
//	  hook: {webhook: https://example.org/alarms, secret-file: /etc/sightlog/hook}
//	  mail: {email: smtp://mail.example.org:587, from: a@example.org, to: b@example.org, user: a, secret-env: MAIL}
//	  home: {mqtt: mqtt://broker.example.org:1883}
//	  log: {topic: alarms}
const ReceiversKey = "receivers"

var receiverKeys = append(slices.Clone(rule.ReceiverKinds),
	"user", "secret-env", "secret-file", "from", "to", "ca-file", "discovery", "cameras", "quiet", "quiet-then", "tz", "ends", "give-up")

// schemes are those of the kinds whose place is an address.
var schemes = map[string][]string{
	rule.Webhook: {"http", "https"}, rule.NTFY: {"http", "https"}, rule.Email: {"smtp", "smtps", "smtp-plain"}, rule.MQTT: {"mqtt", "mqtts"},
}

func receivers(v any) ([]rule.Receiver, error) {
	if v == nil {
		return nil, nil
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("give receivers by name: {phone: {ntfy: https://ntfy.example.org/home}}")
	}
	var all []rule.Receiver
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !validName(name) {
			return nil, fmt.Errorf("%.80q: a name has 1 to 64 letters, digits, - and _", name)
		}
		r, err := receiver(table[name])
		if err != nil {
			return nil, fmt.Errorf("receiver %s: %w", name, err)
		}
		r.Name = name
		all = append(all, r)
	}
	return all, nil
}

func receiver(v any) (r rule.Receiver, err error) {
	table, ok := v.(map[string]any)
	if !ok {
		return r, fmt.Errorf("give one of %s: {ntfy: https://ntfy.example.org/home}", strings.Join(rule.ReceiverKinds, ", "))
	}
	r = rule.Receiver{GiveUp: rule.DefaultGiveUp, Prefix: "homeassistant"}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if slices.Contains(rule.ReceiverKinds, key) {
			if r.Kind != "" {
				return r, fmt.Errorf("%s: it is a %s already: give each a name of its own", key, r.Kind)
			}
			r.Kind = key
			r.Where, _ = table[key].(string)
			r.Ends = key != rule.NTFY && key != rule.Email
			r.Cameras = key == rule.MQTT
		}
	}
	if r.Kind == "" {
		return r, fmt.Errorf("give one of %s", strings.Join(rule.ReceiverKinds, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if err := setReceiver(&r, key, table[key]); err != nil {
			return r, fmt.Errorf("%s: %w", key, err)
		}
	}
	switch {
	case r.Kind == rule.Email && (r.From == "" || len(r.To) == 0):
		return r, errors.New("an e-mail needs from and to")
	case r.Secret.Env != "" && r.Secret.File != "":
		return r, errors.New("give secret-env or secret-file, not both")
	case r.Kind == rule.Webhook && r.Secret == rule.Secret{}:
		return r, errors.New("a webhook is signed: give secret-env or secret-file")
	}
	return r, nil
}

func setReceiver(r *rule.Receiver, key string, v any) (err error) {
	text, _ := v.(string)
	if text == "" && key != "to" {
		return errors.New("a value belongs here")
	}
	switch key {
	case r.Kind:
		return address(r.Kind, text)
	case "user":
		r.User = text
	case "secret-env":
		r.Secret.Env = text
	case "secret-file":
		r.Secret.File = text
	case "ca-file":
		r.CAFile = text
	case "discovery":
		r.Prefix = text
	case "cameras":
		if text != "true" && text != "false" || r.Kind != rule.MQTT {
			return errors.New("true or false, of mqtt")
		}
		r.Cameras = text == "true"
	case "from":
		r.From = text
		err = mailAddresses(text)
	case "to":
		if r.To, err = texts(v); err == nil {
			err = mailAddresses(r.To...)
		}
	case "quiet":
		var ok bool
		if r.Quiet, ok = rule.ParseWindow(text); !ok {
			return fmt.Errorf("%.40q is no time of the week: 23:00-07:00, Sat-Sun 00:00-24:00", text)
		}
		if r.Quiet.Always() {
			return fmt.Errorf("%.40q is the whole week: nothing would be sent", text)
		}
	case "quiet-then":
		if text != "hold" && text != "drop" {
			return errors.New("hold or drop")
		}
		r.Drop = text == "drop"
	case "tz":
		r.TZ, err = timeZone(text)
	case "ends":
		if text != "true" && text != "false" {
			return errors.New("true or false")
		}
		r.Ends = text == "true"
	case "give-up":
		r.GiveUp, err = length(text)
	default:
		return noSuchKey(key, receiverKeys)
	}
	return err
}

// ownTopics are those that sightlog writes its events to: an alarm there would be a dead letter.
var ownTopics = []string{"sightings", "crossings", "visits", "runs", "snapshots", "occupancy"}

// address checks the place of a receiver.
func address(kind, text string) error {
	if kind == rule.Topic {
		return topicName(text)
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes[kind], u.Scheme) {
		return fmt.Errorf("%.80q is no address: %s://HOST…", text, strings.Join(schemes[kind], ":// or "))
	}
	if _, err := strconv.ParseUint(cmp.Or(u.Port(), "1"), 10, 16); err != nil {
		return fmt.Errorf("%.80q: a port is 1 to 65535", text)
	}
	if u.User != nil {
		return errors.New("a password does not belong into the configuration: give user, and secret-env or secret-file")
	}
	if kind == rule.NTFY && strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("%.80q has no topic: %s://%s/TOPIC", text, u.Scheme, u.Host)
	}
	return nil
}

func topicName(text string) error {
	no := func(c rune) bool { return !strings.ContainsRune("._-", c) && !validName(string(c)) }
	if len(text) > 249 || text == "." || text == ".." || strings.ContainsFunc(text, no) {
		return fmt.Errorf("%.80q is no name of a topic", text)
	}
	if slices.Contains(ownTopics, strings.TrimSuffix(text, ".dead")) {
		return fmt.Errorf("%s is a topic of sightlog's own events: give another, as alarms", text)
	}
	return nil
}

func mailAddresses(all ...string) error {
	for _, a := range all {
		if _, err := mail.ParseAddress(a); err != nil {
			return fmt.Errorf("%.80q is no address of e-mail", a)
		}
	}
	return nil
}

// PlaceLines returns the lines that count into a place, in either direction.
func (p Place) PlaceLines() []string { return slices.Concat(p.Lines, p.Reversed) }
