package docs

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/yamlfile"
)

func grafana(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", "grafana", name))
	require.NoError(t, err)
	return b
}

// macros are Grafana's, as its PostgreSQL data source expands them.
var macros = strings.NewReplacer(
	"$__timeFilter(captured_at)", "captured_at BETWEEN '2026-05-01T00:00:00Z' AND '2026-05-02T00:00:00Z'",
	"$__timeGroupAlias(captured_at, $__interval)", `floor(extract(epoch from captured_at)/60)*60 AS "time"`,
	"$__timeFilter(minute)", "minute BETWEEN '2026-05-01T00:00:00Z' AND '2026-05-02T00:00:00Z'",
	"$__timeGroupAlias(minute, $__interval)", `floor(extract(epoch from minute)/60)*60 AS "time"`,
	"$__timeGroupAlias(minute, '1h')", `floor(extract(epoch from minute)/3600)*3600 AS "time"`,
)

// TestGrafana_EveryQuery_AnswersTheReader runs each panel's query as the role
// that reader.sql makes, on tables with one sighting, detection and crossing.
func TestGrafana_EveryQuery_AnswersTheReader(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO cameras (name) VALUES ('porch');
		INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			VALUES (1, 'r', 'file', 'm', '', 320, 256, 'cpu');
		INSERT INTO classes VALUES (1, 0, 'person');
		INSERT INTO batches VALUES (1, '2026-05-01T10:00:00.1Z', '2026-05-01T10:00:00.2Z', 1);
		INSERT INTO sightings VALUES ('2026-05-01T10:00:00Z', 1, 1, 0, 0, '2026-05-01T10:00:00Z', NULL, NULL, NULL, 1, 2, 320, 240, 1, 1);
		INSERT INTO crossings VALUES ('2026-05-01T10:00:00Z', 1, 1, 0, 'gate', 7, 'in', 0, 'person')`)
	require.NoError(t, err)
	pgtest.AddDetections(t, pool, "VALUES ('2026-05-01T10:00:00Z', 1, 1, 0, 7, 0, 0, 0.9, 1, 1, 2, 2, '{door}')")
	grants := strings.NewReplacer("CREATE ROLE grafana_reader LOGIN PASSWORD 'change-me' CONNECTION LIMIT 10;", "",
		"ALTER ROLE grafana_reader", "ALTER USER ROLE", "grafana_reader", "ROLE").Replace(string(grafana(t, "reader.sql")))
	reader, err := pgx.Connect(t.Context(), pgtest.As(t, url, "PASSWORD 'change-me' CONNECTION LIMIT 10", grants))
	require.NoError(t, err)
	t.Cleanup(func() { _ = reader.Close(context.Background()) })

	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RawSQL string }
		}
	}
	require.NoError(t, json.Unmarshal(grafana(t, "sightlog.json"), &dashboard))
	require.NotEmpty(t, dashboard.Panels)
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			sql := macros.Replace(target.RawSQL)
			require.NotContains(t, sql, "$__", p.Title)
			rows, err := reader.Query(t.Context(), sql)
			require.NoError(t, err, p.Title)
			got, err := pgx.CollectRows(rows, pgx.RowToMap)
			require.NoError(t, err, p.Title)
			require.Len(t, got, 1, p.Title)
		}
	}
	_, err = reader.Exec(t.Context(), "DELETE FROM cameras")
	require.Error(t, err)
}

func TestGrafana_Provisioning_IsYAML(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"datasource.yaml", "dashboards.yaml"} {
		v, err := yamlfile.Parse(grafana(t, name))
		require.NoError(t, err, name)
		require.Equal(t, "1", v.(map[string]any)["apiVersion"], name)
	}
}
