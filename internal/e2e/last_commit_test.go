package e2e_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

// pictures makes a directory of n pictures.
func pictures(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		m := image.NewGray(image.Rect(0, 0, 64, 64))
		m.SetGray(i, i, color.Gray{Y: 255})
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.png", i)))
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, m))
		require.NoError(t, f.Close())
	}
	return dir
}

// victims are the programs that die: pid is of the program that was started.
var victims = map[string]func(pid int){
	"child":            func(pid int) { killAll(children(pid)) },
	"parent and child": func(pid int) { killAll(append([]int{pid}, children(pid)...)) },
	"detect alone":     func(pid int) { killAll([]int{pid}) },
}

func killAll(pids []int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// Whoever dies at the last commit of a source, at whichever side of it, and is
// started again until the job is done: the source was read once.
func TestRun_KilledAtTheLastCommit_SourceReadOnce(t *testing.T) {
	t.Parallel()
	short := "test://people?size=64x64&fps=25&people=1&frames=12"
	file := map[string]int{"door=" + short: 12}
	for victim, kill := range victims {
		for _, at := range []moment{beforeCommit, commitAsked, commitDone, commitKnown} {
			t.Run(fmt.Sprintf("file, %s, %s", victim, at), func(t *testing.T) {
				testLastCommit(t, file, victim, kill, at)
			})
		}
	}
	t.Run("directory", func(t *testing.T) {
		testLastCommit(t, map[string]int{"door=" + pictures(t, 12): 12}, "child", victims["child"], commitDone)
	})
	for victim, kill := range victims {
		t.Run("first of several, "+victim, func(t *testing.T) {
			several := map[string]int{"door=" + short: 12, "yard=" + strings.Replace(short, "=12", "=60", 1): 60}
			testLastCommit(t, several, victim, kill, commitKnown)
		})
	}
}

func testLastCommit(t *testing.T, frames map[string]int, victim string, kill func(pid int), at moment) {
	t.Helper()
	tap := newWiretap(t, "door", at)
	b := start(t, sightlogd, "broker", "--listen", "127.0.0.1:0", "--advertise", tap.addr(), "--data", dataDir(t))
	broker := printed(t, b, "broker=")
	var pid atomic.Int64
	tap.listen(t, broker, func() { kill(int(pid.Load())) })

	database := databaseURL(t)
	args := []string{"run", "--brokers", tap.addr(), "--database-url", database, "--compression", "none"}
	if victim == "detect alone" {
		args = []string{"detect", "--brokers", tap.addr(), "--compression", "none"}
	}
	for source := range frames {
		args = append(args, "--source", source)
	}
	var out string
	for code, tries := -1, 0; code != 0; tries++ {
		require.Less(t, tries, 4, out)
		p := start(t, sightlog, args...)
		pid.Store(int64(p.cmd.Process.Pid))
		r := p.wait(t)
		code, out = r.code, r.stdout
	}
	require.True(t, tap.hasStruck())
	require.Equal(t, wanted(frames, 1), inTopic(t, broker))

	if victim != "detect alone" {
		require.Equal(t, len(frames), number(t, []string{"--database-url", database}, "select count(*) from runs where finished_at is not null"))
	}
	if at == commitKnown { // a job that is done begins anew
		ok(t, sightlog, args...)
		require.Equal(t, wanted(frames, 2), inTopic(t, broker))
	}
	require.Zero(t, b.stop(t).code, b.output)
}

// wanted are the seqs of the runs of each camera, a string a camera.
func wanted(frames map[string]int, runs int) map[string]string {
	all := make(map[string]string)
	for source, n := range frames {
		camera, _, _ := strings.Cut(source, "=")
		for range runs {
			all[camera] += fmt.Sprintf("run of %d frames;", n)
		}
	}
	return all
}

// inTopic says the same of a broker's topic of sightings.
func inTopic(t *testing.T, broker string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	last := make(map[string]event.Sighting)
	end := func(s event.Sighting) { all[s.Camera] += fmt.Sprintf("run of %d frames;", s.Seq+1) }
	for _, s := range kcat(t, broker) {
		was, begun := last[s.Camera]
		if begun && was.Run != s.Run {
			end(was)
			begun = false
		}
		want := int64(0)
		if begun {
			want = was.Seq + 1
		}
		require.Equal(t, want, s.Seq, "seq of camera %s, run %s", s.Camera, s.Run)
		last[s.Camera] = s
	}
	for _, s := range last {
		end(s)
	}
	return all
}

// printed waits until a program has printed a line with this prefix and returns
// the rest of it.
func printed(t testing.TB, p *process, prefix string) string {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); letPass(p, 10*time.Millisecond) {
		for line := range strings.SplitSeq(p.output.String(), "\n") {
			if v, found := strings.CutPrefix(line, prefix); found {
				return v
			}
		}
		if p.ended() {
			break
		}
	}
	t.Fatalf("%s never printed %s\n%s", p.cmd.Path, prefix, p.output)
	return ""
}
