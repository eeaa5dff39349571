package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
)

func TestSnapshotsList_NameThatIsNotThere_ThoseThatAreNamed(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	_, err := pgtest.Pool(t, url).Exec(t.Context(), "INSERT INTO cameras (name) VALUES ('cam2'), ('cam10')")
	require.NoError(t, err)
	list := func(args ...string) (string, error) {
		var out bytes.Buffer
		env := &Env{Name: "sightlogd", Stdout: &out, Stderr: &out}
		err := run(t.Context(), env, &Services{}, append([]string{"snapshots", "list", "--database-url", url}, args...))
		return out.String(), err
	}
	for want, args := range map[string][]string{
		`--camera "cam1" is not in the database; there is cam2, cam10`: {"--camera", "cam1"},
		`--run "r" is not in the database; there is none yet`:          {"--run", "r"},
	} {
		_, err := list(args...)
		require.EqualError(t, err, want)
		require.Equal(t, 2, ExitCode(err))
	}
	_, err = list("--camera", "cam10")
	require.NoError(t, err)
}

// A process that does not know the sources takes the cameras of the configuration for all that there
// are, and those in the tables where it names none.
func TestEnvAlarms_CamerasOfTheConfiguration_AreAll(t *testing.T) {
	t.Parallel()
	env := &Env{}
	require.Nil(t, env.alarmsOfConfig().Cameras)
	env.Cameras = map[string]config.CameraSettings{"cam10": {}, "cam2": {}}
	require.Equal(t, []string{"cam2", "cam10"}, env.alarmsOfConfig().Cameras)
	require.Nil(t, env.Alarms.Cameras)
}
