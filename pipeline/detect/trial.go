package detect

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/models"
)

const (
	// trialTime is how long the models run side by side.
	trialTime = 2 * time.Second
	// trialGain is how much faster the model at eight bits must be: a little faster is
	// not worth the little that it finds less.
	trialGain = 1.1
)

// choice is a model in two versions, in floats and in bytes.
type choice struct{ floats, bytes string }

// choices are the names that leave the version to the machine.
var choices = map[string]choice{
	models.Auto:      {models.Default, models.Int8},
	models.AutoSmall: {models.Small, models.SmallInt8},
}

// ChooseModel returns the model that a job asks for by name or path. For models.Auto
// that is person-nano or, where a trial on this machine shows it to be faster,
// person-nano-int8; for models.AutoSmall the versions of person-small, which gains more by
// it, by the same trial. Its outcome is remembered, so one start has it; it is tried
// only on a processor with dot products of bytes, as it cannot win on others.
func ChooseModel(asked string, log *slog.Logger) (string, error) {
	of, open := choices[asked]
	if !open {
		return asked, nil
	}
	if !hasByteDotProducts() {
		return of.floats, nil
	}
	gain, known := models.Trial()
	if !known {
		var err error
		if gain, err = int8Gain(trialTime); err != nil {
			return "", err
		}
		if err := models.RememberTrial(gain); err != nil {
			log.Debug("the trial of the eight-bit model cannot be remembered; each start tries again", "err", err)
		}
	}
	return of.chosenBy(gain), nil
}

// AutoModel returns the model that models.Auto is on this machine, as far as that is known
// without a trial.
func AutoModel() string {
	if gain, known := models.Trial(); known && hasByteDotProducts() {
		return choices[models.Auto].chosenBy(gain)
	}
	return models.Default
}

// chosenBy is the version to use where the one at eight bits is gain times as fast.
func (c choice) chosenBy(gain float64) string {
	if gain >= trialGain {
		return c.bytes
	}
	return c.floats
}

// hasByteDotProducts reports whether the processor multiplies and adds bytes in one
// instruction (VNNI, DotProd). Without it eight bits are no faster than floats.
func hasByteDotProducts() bool {
	return cpu.X86.HasAVX512VNNI || cpu.X86.HasAVXVNNI || cpu.ARM64.HasASIMDDP
}

// int8Gain runs both models in turn on one thread and returns how many times as fast the
// one at eight bits is, by their medians. Whatever else the machine does slows both.
func int8Gain(length time.Duration) (gain float64, err error) {
	var sessions []*onnx.Session
	defer func() {
		for _, s := range sessions {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, name := range []string{models.Default, models.Int8} {
		m, err := models.Lookup(name, models.Options{})
		if err != nil {
			return 0, err
		}
		s, err := OpenModel(m, onnx.Options{Name: m.Name, Threads: 1})
		if err != nil {
			return 0, err
		}
		sessions = append(sessions, s)
	}
	return gainOf(sessions[0], sessions[1], length)
}

// gainOf returns how many times as fast as a the model b is, in the median, when both
// run in turn for that long. The first runs, which allocate, do not count.
func gainOf(a, b detector.Model, length time.Duration) (float64, error) {
	const warmUp, fewest = 3, 5
	in := &detector.Tensor{Name: "images", Shape: []int64{1, 3, 256, 320}, F32: make([]float32, 3*256*320)}
	for i := range in.F32 {
		in.F32[i] = float32(i * 2654435761 >> 8 & 255)
	}
	var took [2][]float64
	for began, round := time.Now(), 0; round < warmUp+fewest || time.Since(began) < length; round++ {
		for k, m := range []detector.Model{a, b} {
			start := time.Now()
			if _, err := m.Run(in); err != nil {
				return 0, err
			}
			if round >= warmUp {
				took[k] = append(took[k], time.Since(start).Seconds())
			}
		}
	}
	return median(took[0]) / median(took[1]), nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
