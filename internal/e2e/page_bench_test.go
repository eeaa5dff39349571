package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkPage_Viewers measures what those who look cost a run with four cameras: frames a second as fast
// as they go, or the latency of the detector at five frames a second each; and the processor time of
// sightlog's processes for a frame. The sides alternate in one run. A viewer sees all cameras, 640
// pixels wide, five pictures a second; its own work is on this machine, too.
func BenchmarkPage_Viewers(b *testing.B) {
	for _, side := range []struct {
		name, pace string
		fps        int
	}{{"as fast as they go", "fast", 25}, {"5 frames a second", "as-recorded", 5}} {
		b.Run(side.name, func(b *testing.B) {
			dir := dataDir(b)
			args := []string{"run", "--data", dir, "--web", "127.0.0.1:0", "--pace", side.pace, "--store", "all"}
			for i := range 4 {
				args = append(args, "--source", fmt.Sprintf("c%d=test://people?people=3&size=768x576&fps=%d&frames=10000000", i, side.fps))
			}
			run := start(b, sightlog, args...)
			page := pageOf(b, dir, run)
			detect := firstChild(run)
			windows := make(map[int][]window)
			for range 5 * b.N {
				for _, viewers := range []int{0, 1, 20} {
					windows[viewers] = append(windows[viewers], look(b, page, viewers, run.cmd.Process.Pid, detect))
				}
			}
			for _, viewers := range []int{0, 1, 20} {
				report(b, dir, viewers, windows[viewers])
			}
		})
	}
}

// window is a time in which a number of viewers looked.
type window struct {
	from, until time.Time
	cpu         time.Duration // of sightlog's processes
	pictures    int64         // bytes that viewers have read
}

// windowLength is that of a window, windowLead what passes before it.
const (
	windowLength = 3 * time.Second
	windowLead   = time.Second
)

// look has viewers look for a window.
func look(b *testing.B, page string, viewers int, pids ...int) (w window) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	var mu sync.Mutex // guards w.pictures
	for range viewers {
		all.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"api/v1/live?cameras=c0,c1,c2,c3&width=640&fps=5", nil)
			if err != nil {
				return
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return
			}
			defer resp.Body.Close()
			n, _ := io.Copy(io.Discard, resp.Body)
			mu.Lock()
			w.pictures += n
			mu.Unlock()
		})
	}
	<-time.After(windowLead)
	before := processorTime(b, pids)
	w.from = time.Now()
	<-time.After(windowLength)
	w.until = time.Now()
	w.cpu = processorTime(b, pids) - before
	cancel()
	all.Wait()
	require.Equal(b, viewers > 0, w.pictures > 0)
	return w
}

// processorTime is the sum of what processes have used.
func processorTime(b *testing.B, pids []int) (sum time.Duration) {
	b.Helper()
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(b, err)
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, f := range fields[11:13] { // utime, stime, in hundredths of a second
			var ticks int64
			_, err := fmt.Sscan(f, &ticks)
			require.NoError(b, err)
			sum += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return sum
}

// report reports the medians of the windows of a side.
func report(b *testing.B, dir string, viewers int, windows []window) {
	b.Helper()
	figures := make(map[string][]float64)
	for _, w := range windows {
		const stamp = "2006-01-02T15:04:05.000000Z07:00"
		r := rows(b, []string{"--data", dir}, fmt.Sprintf(`SELECT count(*) AS frames,
			coalesce(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM inferred_at - grabbed_at)), 0) AS p50,
			coalesce(1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM inferred_at - grabbed_at)), 0) AS p99
			FROM v_sightings WHERE grabbed_at >= '%s' AND grabbed_at < '%s'`, w.from.Format(stamp), w.until.Format(stamp)))
		frames, seconds := r[0]["frames"].(float64), w.until.Sub(w.from).Seconds()
		require.NotZero(b, frames)
		figures["frames/s"] = append(figures["frames/s"], frames/seconds)
		figures["ms-cpu/frame"] = append(figures["ms-cpu/frame"], 1000*w.cpu.Seconds()/frames)
		figures["ms-p50"] = append(figures["ms-p50"], r[0]["p50"].(float64))
		figures["ms-p99"] = append(figures["ms-p99"], r[0]["p99"].(float64))
	}
	for name, values := range figures {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], fmt.Sprintf("%d-viewers-%s", viewers, name))
		b.Logf("%2d viewers %-13s %.2f", viewers, name, values)
	}
}
