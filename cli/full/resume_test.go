package full

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/pipeline"
)

func TestSayHowToResume_UnfinishedFiles_CommandOfTheShell(t *testing.T) {
	for _, c := range []struct {
		name string
		cams []pipeline.CameraStatus
		args []string
		want string
	}{
		{"unfinished", []pipeline.CameraStatus{{ID: "a", State: pipeline.Running, Total: 100, Next: 10, Frames: 20, Skipped: 5}, {ID: "b", State: pipeline.Opening}},
			[]string{"bin/sightlog", "run", "--source", "a=it's here.mp4", "--pace=fast"},
			"left to read: a (65 of 100 frames), b; go on with: bin/sightlog run --source 'a=it'\\''s here.mp4' --pace=fast\n"},
		{"live or ended", []pipeline.CameraStatus{{ID: "a", State: pipeline.Running, Live: true}, {ID: "b", State: pipeline.Ended}}, nil, ""},
		{"password in a URL", []pipeline.CameraStatus{{ID: "a"}}, []string{"sightlog", "run", "--source", "x=rtsp://u:p@192.0.2.1/"},
			"left to read: a; go on with: the same command\n"},
		{"stream key", []pipeline.CameraStatus{{ID: "a"}}, []string{"sightlog", "run", "--source=x=rtmp://192.0.2.1/live/key"},
			"left to read: a; go on with: the same command\n"},
		{"token of a URL", []pipeline.CameraStatus{{ID: "a"}}, []string{"sightlog", "run", "--source", "x=http://192.0.2.1/v?token=key"},
			"left to read: a; go on with: the same command\n"},
		{"password in a flag", []pipeline.CameraStatus{{ID: "a"}}, []string{"sightlog", "run", "--sasl-password", "p"},
			"left to read: a; go on with: the same command\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			sayHowToResume(&cli.Env{Stdout: &out}, c.cams, c.args)
			require.Equal(t, c.want, out.String())
		})
	}
}
