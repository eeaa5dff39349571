package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestLoad_ScalarsAndLists_KeepTheirValues(t *testing.T) {
	f, err := config.Load(write(t, "# a comment\npartitions: 4\nsource:\n  - porch=a.mp4\n  - 0\nwait: true\ndata:\n"))
	require.NoError(t, err)
	require.Equal(t, config.File{"partitions": "4", "source": []any{"porch=a.mp4", "0"}, "wait": "true"}, f)
}

func TestLoad_NotAConfiguration_IsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"not YAML":      "partitions: [1",
		"no table":      "just text",
		"nested":        "source: {a: b}",
		"list in list":  "source: [[a]]",
		"duplicate key": "sinks: 1\nsinks: 2",
		"two documents": "sinks: 1\n---\nsinks: 2",
		"table in list": "source: [{a: b}]",
		"brackets":      "source: " + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(write(t, text))
			require.True(t, usage.Is(err), "%v", err)
		})
	}
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.yaml"))
	require.ErrorContains(t, err, "no such file")
	require.True(t, usage.Is(err))
}

func TestCheck_UnknownKey_NamesTheNearest(t *testing.T) {
	err := config.File{"partitons": "4"}.Check("c.yaml", []string{"partitions", "sinks"})
	require.EqualError(t, err, `--config c.yaml: unknown key "partitons"; did you mean "partitions"?`)
	require.NoError(t, config.File{"sinks": "4"}.Check("c.yaml", []string{"partitions", "sinks"}))
}

func TestLoad_CameraSettings_ByCamera(t *testing.T) {
	f, err := config.Load(write(t, `
fps: 1
cameras:
  porch:
    fps: 5
    region: [0, 0.25, 1, 1]
    masks: [[[0, 0], [0.2, 0], [0.2, 0.3]]]
    zones: {door: [[0.4, 0.4], [0.6, 0.4], [0.6, 0.9]], Türe 2: [[0, 0], [1, 0], [1, 1]]}
    lines:
      gate: [[0.5, 0], [0.5, 1]]
    motion: true
    loitering: {door: 1m30s, Türe 2: 2h}
  0: {motion: false}
  yard:
  till: {loitering: 2m}
`))
	require.NoError(t, err)
	require.Equal(t, map[string]config.CameraSettings{
		"porch": {
			FPS: 5, Region: []float64{0, .25, 1, 1}, Masks: [][]config.Point{{{0, 0}, {.2, 0}, {.2, .3}}},
			Zones: map[string][]config.Point{"door": {{.4, .4}, {.6, .4}, {.6, .9}}, "Türe 2": {{0, 0}, {1, 0}, {1, 1}}},
			Lines: map[string][]config.Point{"gate": {{.5, 0}, {.5, 1}}}, Motion: true,
			Loitering: map[string]time.Duration{"door": 90 * time.Second, "Türe 2": 2 * time.Hour},
		},
		"0": {}, "yard": {}, "till": {Loitering: map[string]time.Duration{"": 2 * time.Minute}},
	}, f.Cameras())
	require.NoError(t, f.Check("c.yaml", []string{"fps"}))
	f, err = config.Load(write(t, "cameras:\n"))
	require.NoError(t, err)
	require.Nil(t, f.Cameras())
}

func TestLoad_InvalidCameraSetting_IsNamed(t *testing.T) {
	for text, says := range map[string]string{
		"cameras: 5":                                   `key "cameras": give settings by camera`,
		"cameras: {porch: 5}":                          "camera porch: give settings",
		"cameras: {porch: {zonse: {}}}":                `camera porch: unknown key "zonse"; did you mean "zones"?`,
		"cameras: {porch: {zebra: {}}}":                `camera porch: unknown key "zebra"; known are: fps, region`,
		"cameras: {porch: {fps: fast}}":                `camera porch: fps: "fast" is not a number`,
		"cameras: {porch: {fps: -1}}":                  "camera porch: fps: give a number above 0",
		"cameras: {porch: {fps: .nan}}":                `camera porch: fps: ".nan" is not a number`,
		"cameras: {porch: {fps: nan}}":                 `camera porch: fps: "nan" is not a number`,
		"cameras: {p: {zones: {z: [[inf, 0]]}}}":       `point 1: "inf" is not a number`,
		"cameras: {p: {fps: [1]}}":                     "fps: a number belongs here",
		"cameras: {porch: {region: [1]}}":              "camera porch: region: give [left, top, right, bottom]",
		"cameras: {p: {region: [1,0,0,1]}}":            "camera p: region: give [left, top, right, bottom]",
		"cameras: {p: {region: [0,0,2,1]}}":            "camera p: region: give [left, top, right, bottom]",
		"cameras: {p: {masks: [5]}}":                   "camera p: masks: number 1: give a list of points",
		"cameras: {p: {zones: [[0, 0]]}}":              "camera p: zones: give points by name",
		"cameras: {p: {zones: {z: [[0]]}}}":            "camera p: zones: z: point 1 is not [x, y]",
		"cameras: {p: {zones: {\"a\\nb\": [[0, 0]]}}}": "camera p: zones: \"a\\nb\": a name has",
		"cameras: {p: {lines: {l: [[0, x]]}}}":         `camera p: lines: l: point 1: "x" is not a number`,
		"cameras: {p: {lines: {l: [[0, 0]]}}}":         "camera p: lines: l: 1 points, a line has two",
		"cameras: {p: {motion: 3}}":                    "camera p: motion: give true or false",
		"cameras: {p: {loitering: 30}}":                "camera p: loitering: give a time from 1s to 24h",
		"cameras: {p: {loitering: 2d}}":                "camera p: loitering: give a time from 1s to 24h",
		"cameras: {p: {loitering: -1m}}":               "camera p: loitering: give a time from 1s to 24h",
		"cameras: {p: {loitering: 25h}}":               "camera p: loitering: give a time from 1s to 24h",
		"cameras: {p: {loitering: [1m]}}":              "camera p: loitering: give a time from 1s to 24h",
		"cameras: {p: {loitering: {}}}":                "camera p: loitering: give a time: 2m",
		"cameras: {p: {loitering: {z: never}}}":        "camera p: loitering: z: give a time from 1s to 24h",
		"cameras: {p: {fps: 1}, p: {fps: 2}}":          "is there twice",
	} {
		_, err := config.Load(write(t, text))
		require.True(t, usage.Is(err), "%s: %v", text, err)
		require.ErrorContains(t, err, says)
	}
}

func TestLoad_Scalars_KeepTheirText(t *testing.T) {
	f, err := config.Load(write(t, "\ufeffsasl-password: 0123\nsasl-user: 1.10\nclasses: [007, 1e3, on]\nwait: true\ncameras:\n  0123: {fps: 5}\n  1.10: {motion: false}\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]config.CameraSettings{"0123": {FPS: 5}, "1.10": {}}, f.Cameras())
	delete(f, config.CamerasKey)
	require.Equal(t, config.File{"sasl-password": "0123", "sasl-user": "1.10", "classes": []any{"007", "1e3", "on"}, "wait": "true"}, f)
}
