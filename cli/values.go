package cli

import (
	"errors"
	"net"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sightlog/sightlog/usage"
)

// text sets a value byte by byte: names of files need not be UTF-8, which the parser's own
// decoding would change.
func text(ctx *kong.DecodeContext, target reflect.Value) error {
	t, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	s, ok := t.Value.(string)
	if !ok {
		return errors.New("give one value, not a list")
	}
	target.SetString(s)
	return nil
}

// expandHome replaces ~ in the flags that are paths, as their placeholders say. A source
// is expanded where it is parsed.
func expandHome(k *kong.Context) error {
	for _, flag := range k.Flags() {
		if !isPath(flag) {
			continue
		}
		for _, v := range elements(flag.Target) {
			path, err := usage.Path(v.String())
			if err != nil {
				return usage.Wrap(err, "", "--%s %v", flag.Name, err)
			}
			v.SetString(path)
		}
	}
	return nil
}

// checkAddresses returns an error for an address without a port.
func checkAddresses(k *kong.Context) error {
	for _, flag := range k.Flags() {
		if addr, ok := k.FlagValue(flag).(string); ok && flag.PlaceHolder == "HOST:PORT" && addr != "" {
			if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
				return usage.New("give HOST:PORT, such as 127.0.0.1:9092", "--%s %s: no address with a port", flag.Name, addr)
			}
		}
	}
	return nil
}

func isPath(flag *kong.Flag) bool {
	return slices.ContainsFunc(strings.Split(flag.PlaceHolder, "|"), func(what string) bool {
		return what == "FILE" || what == "DIR" || what == "PATH"
	})
}

// elements returns the strings of a flag: itself, or those of its list.
func elements(v reflect.Value) (all []reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		return []reflect.Value{v}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, elements(v.Index(i))...)
		}
	}
	return all
}
