package ingest_test

import (
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// containers are the endings of files and how ffmpeg encodes them.
var containers = strings.Split(`
mp4 -c:v libx264 -pix_fmt yuv420p
mp4 -c:v libx264 -bf 3 -movflags +faststart
mp4 -c:v libx264 -movflags frag_keyframe+empty_moov
mp4 -c:v libx265 -x265-params log-level=none
mp4 -c:v mpeg4
mp4 -c:v mjpeg
mp4 -c:v libsvtav1
mov -c:v prores
mov -c:v qtrle
mov -c:v png
mkv -c:v libx264 -pix_fmt yuv444p
mkv -c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none
mkv -c:v ffv1
mkv -c:v huffyuv
mkv -c:v utvideo
mkv -c:v jpeg2000
mkv -c:v rawvideo -pix_fmt yuv420p
webm -c:v libvpx
webm -c:v libvpx-vp9
webm -c:v libaom-av1 -cpu-used 8
avi -c:v mjpeg
avi -c:v mpeg4
avi -c:v msmpeg4v2
avi -c:v rawvideo
avi -c:v ffvhuff
avi -c:v libxvid
ts -c:v libx264
ts -c:v mpeg2video
ts -c:v libx265 -x265-params log-level=none
m2ts -c:v libx264
mpg -c:v mpeg1video
vob -c:v mpeg2video
wtv -c:v mpeg2video
mxf -c:v mpeg2video
flv -c:v flv1
flv -c:v libx264
swf -c:v flv1
ogv -c:v libtheora
3gp -c:v h263
wmv -c:v wmv2
asf -c:v wmv1
rm -c:v rv10
nut -c:v snow -strict -2
dv -c:v dvvideo -s 720x576 -pix_fmt yuv420p
ivf -c:v libvpx
y4m -pix_fmt yuv420p
gif
apng
mjpeg -c:v mjpeg
m4v -c:v mpeg4
h264 -c:v libx264
hevc -c:v libx265 -x265-params log-level=none`[1:], "\n")

// Whatever a file is packed in and encoded with, it gives exactly the frames
// that ffprobe decodes, none of them twice, and ends without damage.
func TestFile_ContainersAndCodecs_GiveTheFramesOfFFprobe(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	for _, made := range containers {
		t.Run(made, func(t *testing.T) {
			t.Parallel()
			ending, args, _ := strings.Cut(made, " ")
			path := filepath.Join(t.TempDir(), "a."+ending)
			command := append(strings.Fields("-v error -f lavfi -i testsrc2=size=176x144:rate=25 -frames:v 13 -threads 1 "+args), path)
			if out, err := exec.Command("ffmpeg", command...).CombinedOutput(); strings.Contains(string(out), "Unknown encoder") {
				testenv.Skip(t, "this ffmpeg lacks an encoder: "+args)
			} else {
				require.NoError(t, err, string(out))
			}
			out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "default=nk=1:nw=1", path).Output()
			require.NoError(t, err)
			want, err := strconv.Atoi(strings.Fields(string(out))[0])
			require.NoError(t, err)
			require.Greater(t, want, 10)

			all, err := drain(t, open(t, path, ingest.Options{Pace: ingest.Fast}))
			require.Equal(t, io.EOF, err)
			require.Len(t, all, want)
			for i, f := range all {
				require.EqualValues(t, i, f.seq)
			}
		})
	}
}
