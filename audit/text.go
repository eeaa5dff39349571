package audit

import (
	"fmt"
	"math"
)

// Sentence returns the result of a direction as a user reads it.
func (r Result) Sentence(direction Kind) string {
	if r.PrecisionOnly {
		return r.precisionAlone(direction)
	}
	s := fmt.Sprintf("%s %s", direction, percent(r.Accuracy))
	s += fmt.Sprintf(": counted %d, actual %s", r.Counted, total(r.Actual))
	if r.Counted > 0 {
		s += fmt.Sprintf("; precision %s (%d of %d)", percent(r.Precision), r.Correct, r.Checked)
	}
	if r.Actual.Value > 0 {
		s += fmt.Sprintf("; recall %s (%d missed in the sample)", percent(r.Recall), r.Missed)
	}
	return s
}

// precisionAlone is the sentence of an audit of snapshots.
func (r Result) precisionAlone(direction Kind) string {
	const missed = "recall is not estimated: snapshots show no crossing that was missed"
	if r.Counted == 0 {
		return fmt.Sprintf("%s: none counted; %s", direction, missed)
	}
	return fmt.Sprintf("%s: counted %d; precision %s (%d of %d); %s", direction, r.Counted, percent(r.Precision), r.Correct, r.Checked, missed)
}

// percent returns a share as "94 % ± 3 (91 to 97)"; ± is half of the interval.
func percent(e Estimate) string {
	switch {
	case math.IsNaN(e.Value) || math.IsInf(e.Value, 0):
		return "not defined"
	case math.IsInf(e.High, 0):
		return fmt.Sprintf("%.0f %% or more", 100*e.Low)
	case e.High-e.Low < .0005:
		return fmt.Sprintf("%.1f %%", 100*e.Value)
	}
	return fmt.Sprintf("%.0f %% ± %.0f (%.0f to %.0f)", 100*e.Value, math.Ceil(50*(e.High-e.Low)-1e-9), math.Floor(100*e.Low), math.Ceil(100*e.High))
}

// total returns a number of crossings with its interval.
func total(e Estimate) string {
	if e.High-e.Low < .0005 {
		return fmt.Sprintf("%.0f", e.Value)
	}
	return fmt.Sprintf("%.0f (%.0f to %.0f)", e.Value, math.Floor(e.Low), math.Ceil(e.High))
}
