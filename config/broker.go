package config

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// Settings returns the settings of the file of BrokerSettings, none without a file.
func (b Broker) Settings() (map[string]string, error) {
	if b.BrokerSettings == "" {
		return nil, nil
	}
	text, err := yamlfile.Read(b.BrokerSettings)
	if err != nil {
		return nil, usage.Wrap(err, "check the path", "--broker-settings %s: cannot be read", b.BrokerSettings)
	}
	if strings.HasSuffix(b.BrokerSettings, ".properties") {
		return properties(b.BrokerSettings, text)
	}
	value, err := yamlfile.Parse(text)
	if err != nil {
		return nil, usage.New("write NAME: VALUE lines", "--broker-settings %s: %v", b.BrokerSettings, err)
	}
	table, ok := value.(map[string]any)
	if value != nil && !ok {
		return nil, usage.New("write NAME: VALUE lines", "--broker-settings %s: it is no table", b.BrokerSettings)
	}
	settings := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		switch v := table[name].(type) {
		case nil:
			settings[name] = ""
		case map[string]any, []any:
			return nil, usage.New("write its whole name, such as num.partitions: 6", "--broker-settings %s: %s has no single value", b.BrokerSettings, name)
		default:
			settings[name] = fmt.Sprint(v)
		}
	}
	return settings, nil
}

// properties reads NAME=VALUE lines, as Kafka's server.properties has them.
func properties(path string, text []byte) (map[string]string, error) {
	settings := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return nil, usage.New("write NAME=VALUE", "--broker-settings %s line %d", path, n)
		}
		settings[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		return nil, usage.New("write NAME=VALUE lines", "--broker-settings %s: %v", path, err)
	}
	return settings, nil
}
