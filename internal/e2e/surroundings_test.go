package e2e_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever surrounds a program that is started, it reads the same.
func TestRun_SurroundingsOfItsStart_ChangeNothing(t *testing.T) {
	t.Parallel()
	for name, prefix := range map[string]string{
		"locale and time zone":    `export LC_ALL=tr_TR.UTF-8 LANG=de_DE TZ=Asia/Kathmandu; exec "$0" "$@"`,
		"neither of them exists":  `export LC_ALL=xx_YY.Z LANG=xx TZ=:no/such; exec "$0" "$@"`,
		"no HOME, no PATH, no TZ": `exec /usr/bin/env -i "SIGHTLOG_ONNXRUNTIME=$SIGHTLOG_ONNXRUNTIME" "$0" "$@"`,
		"no standard descriptors": `exec "$0" "$@" <&- >&- 2>&-`,
		"64 descriptors at most":  `ulimit -n 64; exec "$0" "$@"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", prefix, sightlog,
				"run", "--source", "t=test://people?frames=10", "--pace", "fast", "--data", dir)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			require.Equal(t, 10, number(t, []string{"--data", dir}, "select count(*) from sightings"))
		})
	}
}
