package cli

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// asked runs a command on a database and returns what it prints.
func asked(t *testing.T, url string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), &Env{Name: "sightlogd", Stdout: &out, Stderr: io.Discard}, &Services{}, append(append([]string{"query"}, args...), "--database-url", url))
	return out.String(), err
}

func TestQuery_Flags_AreThoseTheReportTakes(t *testing.T) {
	value := map[string]string{"camera": "x", "run": "x", "place": "x", "recount": "1", "zone": "x", "line": "x", "class": "x", "since": "1h", "until": "now", "min-score": "0.5",
		"bucket": "1h", "tz": "UTC", "gap": "1m", "top": "3", "grid": "8", "min-dwell": "2m", "without-staff": "", "frame": "x.png", "follow": ""}
	for _, r := range query.Reports {
		for flag, v := range value {
			args := []string{"query", r.Name, "--" + flag}
			if v != "" {
				args = append(args, v)
			}
			err := Check("sightlogd", &Services{}, args)
			if r.Takes(flag) {
				require.NoError(t, err, "%s --%s", r.Name, flag)
			} else {
				require.ErrorContains(t, err, "unknown flag --"+flag, "%s", r.Name)
				require.Equal(t, 2, ExitCode(err))
			}
		}
		flags := slices.Clone(r.Flags)
		if r.OverTime != nil {
			flags = append(flags, r.OverTime.Flags...)
		}
		for _, flag := range flags {
			require.Contains(t, value, flag, "%s names a flag that is none", r.Name)
		}
	}
}

func TestQuery_WrongInput_OneLine(t *testing.T) {
	url := pgtest.URL(t)
	text := filepath.Join(t.TempDir(), "text.png")
	require.NoError(t, os.WriteFile(text, []byte("no picture"), 0o600))
	for want, args := range map[string][]string{
		"--top is too small; give a value above 0":           {"busiest", "--top", "0"},
		"--gap is too small; give a value above 0":           {"gaps", "--gap", "0s"},
		"--min-dwell -2m0s; give a time above 0, as 2m":      {"visits", "--min-dwell=-2m"},
		`--bucket "2h" is not known; use 1m, 1h or 1d`:       {"people", "--bucket", "2h"},
		`--camera "x" is not in the database; there is none`: {"people", "--camera", "x"},
		"only heatmap draws pictures":                        {"people", "--out", "x.png"},
		"--frame x.png is for a picture; add --out FILE.png": {"heatmap", "--frame", "x.png"},
		"--frame absent.png: open absent.png: no such file":  {"heatmap", "--frame", "absent.png", "--out", filepath.Join(t.TempDir(), "x.png")},
		"text.png is no picture":                             {"heatmap", "--frame", text, "--out", filepath.Join(t.TempDir(), "x.png")},
		"--follow prints rows as they come; leave --out out": {"latest", "--follow", "--format", "parquet"},
		"give a file you may write":                          {"people", "--out", filepath.Join(t.TempDir(), "absent", "x.csv")},
		"no sighting is in the database for this picture":    {"heatmap", "--out", filepath.Join(t.TempDir(), "x.PNG")},
	} {
		out, err := asked(t, url, args...)
		require.True(t, usage.Is(err), "%v: %v", args, err)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, 2, ExitCode(err))
		require.Empty(t, out)
	}
}

func TestQuery_ParquetOnATerminal_Refused(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		testenv.Skip(t, err.Error())
	}
	defer tty.Close()
	err = run(t.Context(), &Env{Name: "sightlogd", Stdout: tty, Stderr: io.Discard}, &Services{}, []string{"query", "people", "--format", "parquet"})
	require.EqualError(t, err, "--format parquet is not for a terminal; add --out FILE, or redirect the output to one")
	require.Equal(t, 2, ExitCode(err))
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	require.False(t, isTerminal(null))
}

func TestQuery_Out_WholeOrAsItWas(t *testing.T) {
	url := pgtest.URL(t)
	name := filepath.Join(t.TempDir(), "answer")
	require.NoError(t, os.WriteFile(name, []byte("before"), 0o600))
	_, err := asked(t, url, "sql", "SELECT 1 / (3 - n) FROM generate_series(1, 3) n", "--out", name)
	require.Error(t, err)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "before", string(b))
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Len(t, entries, 1)

	out, err := asked(t, url, "sql", "SELECT 1 AS n", "--out", name, "--format", "csv")
	require.NoError(t, err)
	require.Empty(t, out)
	b, err = os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "n\n1\n", string(b))
	_, err = asked(t, url, "sql", "SELECT 1 AS n", "--out", "/dev/null")
	require.NoError(t, err)
	out, err = asked(t, url, "sql", "SELECT 1 AS n", "--format", "parquet")
	require.NoError(t, err)
	_, err = parquet.OpenFile(bytes.NewReader([]byte(out)), int64(len(out)))
	require.NoError(t, err)
}

func TestQuery_HeatmapPicture_OverAFrame(t *testing.T) {
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	_, err := pool.Exec(t.Context(), `INSERT INTO cameras (name) VALUES ('yard');
		INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider) VALUES (1, 'r', 'file', 'm', '', 1, 1, 'cpu');
		INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects) VALUES ('2026-05-01Z', 1, 1, 0, 0, 0, 0, 64, 48, 1, 1)`)
	require.NoError(t, err)
	pgtest.AddDetections(t, pool, "VALUES ('2026-05-01Z', 1, 1, 0, NULL, 0, 0, 0.9, 1, 1, 2, 2, NULL)")
	dir := t.TempDir()
	var frame bytes.Buffer
	require.NoError(t, png.Encode(&frame, image.NewGray(image.Rect(0, 0, 128, 96))))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "frame.png"), frame.Bytes(), 0o600))
	for want, args := range map[image.Point][]string{{X: 64, Y: 48}: nil, {X: 128, Y: 96}: {"--frame", filepath.Join(dir, "frame.png")}} {
		out, err := asked(t, url, append([]string{"heatmap", "--out", filepath.Join(dir, "heat.png")}, args...)...)
		require.NoError(t, err)
		require.Empty(t, out)
		picture, err := readPicture(filepath.Join(dir, "heat.png"))
		require.NoError(t, err)
		require.Equal(t, want, picture.Bounds().Size())
	}
}
