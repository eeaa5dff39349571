package full

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/speed"
	"github.com/sightlog/sightlog/detector/onnx"
)

// Values of a detector's report: processor time of a frame in milliseconds, and others.
const (
	planesMS      = "cpu_planes_ms_per_frame"     // demuxing and decoding to planes
	decodeMS      = "cpu_decode_ms_per_frame"     // the same, and the conversion to BGR
	inferMS       = "cpu_infer_ms_per_frame"      // onnxruntime alone
	wholeMS       = "cpu_whole_ms_per_frame"      // from the file to the encoded sighting
	overLimit     = "whole_over_decode_and_infer" // of a round; its median is not that of the medians
	inferInsideMS = "cpu_infer_inside_ms_per_frame"
	prePostMS     = "cpu_pre_post_ms_per_frame"
	wallMS        = "wall_ms_per_frame"
	allocsDetect  = "allocations_per_detect"
	allocsWhole   = "allocations_per_frame"
	objectsFrame  = "objects_per_frame"
	growthHour    = "growth_bytes_per_hour"
)

// speedReport returns a report without figures.
func speedReport(began time.Time, source, sha256, model string, settings map[string]string) *benchresult.Report {
	r := &benchresult.Report{
		Kind: benchresult.Detector, Name: model, At: began.UTC().Truncate(time.Second),
		Inputs:   []benchresult.Input{{Role: "model", Name: model, SHA256: sha256}},
		Settings: settings,
	}
	if info, err := os.Stat(source); err == nil && info.Mode().IsRegular() {
		r.Inputs = append(r.Inputs, benchresult.Input{Role: "clip", Name: filepath.Base(source), Bytes: info.Size()})
	}
	r.Durability.Stated = "nothing is stored"
	describe(r, "")
	r.Machine.Onnx = onnx.Version
	return r
}

// addSpeed adds the rounds of a comparison. speed has compared the numbers of frames.
func addSpeed(r *benchresult.Report, s speed.Figures) {
	sent := int64(s.Frames) * int64(s.Rounds)
	r.Correct = benchresult.Correctness{Sent: sent, Stored: sent}
	for _, e := range s.Each {
		v := map[string]float64{
			decodeMS: e.Decode, inferMS: e.Infer, wholeMS: e.Whole, overLimit: e.Ratio, inferInsideMS: e.InferInside,
			prePostMS: e.PrePost, wallMS: e.Wall, benchresult.FPS: 1e3 / e.Wall,
			allocsDetect: s.Allocs, allocsWhole: s.AllocsWhole, objectsFrame: s.Objects,
		}
		if e.Planes > 0 {
			v[planesMS] = e.Planes
		}
		r.Rounds = append(r.Rounds, benchresult.Round{Seconds: e.Wall * float64(s.Frames) / 1e3, Frames: int64(s.Frames), Values: v})
	}
	r.Sum()
	if s.Planes > 0 {
		r.Floor = append(r.Floor, benchresult.Reference{Name: "bare decoding to planes", Value: s.Planes, Unit: "ms CPU a frame"})
	}
	r.Floor = append(r.Floor,
		benchresult.Reference{Name: "bare decoding to BGR", Value: s.Decode, Unit: "ms CPU a frame"},
		benchresult.Reference{Name: "bare onnxruntime", Value: s.Infer, Unit: "ms CPU a frame"})
}

// addMemory adds a soak: a round for each sample.
func addMemory(r *benchresult.Report, samples []speed.Sample) {
	before := speed.Sample{}
	for _, s := range samples {
		r.Rounds = append(r.Rounds, benchresult.Round{
			Seconds: (s.After - before.After).Seconds(), Frames: s.Frames - before.Frames,
			Values: map[string]float64{benchresult.RSS: float64(s.RSS)},
		})
		before = s
	}
	r.Correct = benchresult.Correctness{Sent: before.Frames, Stored: before.Frames}
	r.Sum()
	m := speed.MemoryOf(samples)
	for name, v := range map[string]int64{
		"rss_first_bytes": m.First, "rss_least_bytes": m.Min, "rss_most_bytes": m.Max, "rss_last_bytes": m.Last,
	} {
		r.Total.Values[name] = float64(v)
	}
	r.Warmup = m.WarmUp.Seconds()
	if m.Samples >= speed.MinSamples {
		r.Total.Values[growthHour] = m.Growth
	}
}

// speedTable writes one line a model; times are of the processor, a frame.
func speedTable(w io.Writer, all []*benchresult.Report) error {
	first := all[0]
	fmt.Fprintf(w, "%s: %d frames, medians of %d rounds; %s thread(s); CPU ms a frame\n", first.Settings["source"], first.Rounds[0].Frames,
		len(first.Rounds), first.Settings["threads"])
	fmt.Fprintf(w, "correct: %d frames decoded alone, and as many sightings in all rounds\n\n", first.Correct.Sent)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "model\tplanes\tdecode\tinfer\twhole\twhole/(decode+infer)\tmin..max\tinfer inside\tpre+post\tallocs/detect\tallocs/whole\tobjects\tframes/s\t")
	for _, r := range all {
		v := r.Total.Values
		low, high := v[overLimit], v[overLimit]
		for _, round := range r.Rounds {
			low, high = min(low, round.Values[overLimit]), max(high, round.Values[overLimit])
		}
		planes := "-"
		if ms, known := v[planesMS]; known {
			planes = fmt.Sprintf("%.3f", ms)
		}
		fmt.Fprintf(t, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f..%.3f\t%.3f\t%.3f\t%.2f\t%.2f\t%.2f\t%.1f\t\n", r.Name, planes, v[decodeMS], v[inferMS],
			v[wholeMS], v[overLimit], low, high, v[inferInsideMS], v[prePostMS],
			v[allocsDetect], v[allocsWhole], v[objectsFrame], v[benchresult.FPS])
	}
	return t.Flush()
}

func memoryText(w io.Writer, all []*benchresult.Report) error {
	r := all[0]
	v := r.Total.Values
	growth := "too few samples to tell a growth"
	if g, known := v[growthHour]; known {
		growth = fmt.Sprintf("growth %+.2f MB an hour", mb(int64(g)))
	}
	megabytes := func(name string) float64 { return mb(int64(v[name])) }
	_, err := fmt.Fprintf(w, `%s on %s: %d frames in %.0f s, %.1f frames/s
RSS after %.0f s of warm-up: first %.1f MB, least %.1f MB, most %.1f MB, last %.1f MB
%s
`, r.Name, r.Settings["source"], r.Total.Frames, r.Total.Seconds, float64(r.Total.Frames)/r.Total.Seconds,
		r.Warmup, megabytes("rss_first_bytes"), megabytes("rss_least_bytes"), megabytes("rss_most_bytes"), megabytes("rss_last_bytes"), growth)
	return err
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
