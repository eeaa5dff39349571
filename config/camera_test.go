package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// KeysOfPage returns the keys in the part of a page: rows of its table, or lines of its YAML.
func KeysOfPage(t *testing.T, page string, part *regexp.Regexp) (keys []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(), page))
	require.NoError(t, err)
	m := part.FindSubmatch(text)
	require.NotNil(t, m, page)
	for _, key := range regexp.MustCompile("(?m)^(?:\\| `|#?    )([a-z-]+)(?:` \\||:)").FindAllSubmatch(m[1], -1) {
		keys = append(keys, string(key[1]))
	}
	return keys
}

// TestCameraKeys_PageAndCode_AreTheSame compares cameraKeys, which messages name, with the
// settings that exist and with the keys that the pages for users have, all both ways.
func TestCameraKeys_PageAndCode_AreTheSame(t *testing.T) {
	t.Parallel()
	var fields []string
	for f := range reflect.TypeFor[CameraSettings]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	require.Equal(t, fields, cameraKeys)
	for _, key := range cameraKeys {
		err := new(CameraSettings).set(key, map[string]any{"no": "value"})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "unknown key", "set has no case for it")
	}

	for page, part := range map[string]*regexp.Regexp{
		"docs/configuration.md": regexp.MustCompile("(?ms)^## Cameras\n(.*?)^## "),
		"docs/zones.md":         regexp.MustCompile("(?s)```yaml\ncameras:\n(.*?)```"),
		"deploy/sightlog.yaml":  regexp.MustCompile("(?ms)^#cameras:\n(.*)"),
	} {
		require.ElementsMatch(t, cameraKeys, KeysOfPage(t, page, part), page)
	}
}
