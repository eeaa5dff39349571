package audit

import (
	"math"
)

// The verdicts of an Answer.
const (
	Right    = "right"    // of a crossing: somebody crossed here, in this direction
	Wrong    = "wrong"    // of a crossing: nobody crossed here
	Reversed = "reversed" // of a crossing: somebody crossed in the other direction
	Missed   = "missed"   // of a stretch: In and Out are the crossings that were not counted, often 0
	Unclear  = "unclear"  // of both: the pictures do not show it; counts as not answered
)

// Answer is the answer to one unit of a sample.
type Answer struct {
	Verdict string
	In, Out int // of a stretch
}

// Estimate is a figure with its 95 % interval. A figure that is not defined is NaN.
type Estimate struct{ Value, Low, High float64 }

// Result is what an audit found of one direction.
type Result struct {
	Counted, Checked, Correct int      // crossings: counted, of those checked, of those right
	Missed                    int      // in the stretches that were checked
	Actual                    Estimate // crossings that there were
	Accuracy                  Estimate // Counted ÷ Actual; High is +Inf if Actual may be 0
	Precision                 Estimate // share of the counted that are right
	Recall                    Estimate // share of the actual that were counted so
	PrecisionOnly             bool     // no stretch was asked: Actual, Accuracy and Recall are not defined
}

// z is the quantile of the normal distribution of a two-sided interval of 95 %.
const z = 1.959963984540054

// Compute returns the results in and out of a sample's answers; units and answers belong
// together by their places. An empty verdict is an open question.
func Compute(size Sizes, units []Unit, answers []Answer) (in, out Result) {
	verdicts := map[Kind]map[string]int{In: {}, Out: {}}
	var missedIn, missedOut []float64
	for i, a := range answers {
		switch {
		case a.Verdict == "" || a.Verdict == Unclear:
		case units[i].Kind == Stretch:
			missedIn, missedOut = append(missedIn, float64(a.In)), append(missedOut, float64(a.Out))
		default:
			verdicts[units[i].Kind][a.Verdict]++
		}
	}
	in = compute(size.In, size.Out, size.Stretches, verdicts[In], verdicts[Out], missedIn)
	out = compute(size.Out, size.In, size.Stretches, verdicts[Out], verdicts[In], missedOut)
	return in, out
}

// compute returns the result of a direction: own and other are the verdicts on the crossings
// that were counted so and the other way.
func compute(counted, opposite, stretches int, own, other map[string]int, missed []float64) Result {
	r := Result{Counted: counted, Correct: own[Right], Checked: checked(own), PrecisionOnly: stretches == unasked}
	for _, m := range missed {
		r.Missed += int(m)
	}
	r.Precision = share(own[Right], r.Checked, counted)
	right := r.Precision.times(counted)
	lost := add(share(other[Reversed], checked(other), opposite).times(opposite), mean(missed, stretches).times(stretches))
	r.Actual = add(right, lost)
	// There were at least those that were seen.
	r.Actual.Low = max(r.Actual.Low, float64(own[Right]+other[Reversed]+r.Missed))
	n := float64(counted)
	r.Accuracy = Estimate{Value: n / r.Actual.Value, Low: n / r.Actual.High, High: n / r.Actual.Low}
	// The ends of both parts together: it holds the truth more often than 95 %.
	r.Recall = Estimate{
		Value: right.Value / r.Actual.Value,
		Low:   right.Low / (right.Low + lost.High),
		High:  right.High / (right.High + lost.Low),
	}
	return r
}

func checked(verdicts map[string]int) int {
	return verdicts[Right] + verdicts[Wrong] + verdicts[Reversed]
}

// times returns the estimate of a total of n units; that of none is 0.
func (e Estimate) times(n int) Estimate {
	if n == 0 {
		return Estimate{}
	}
	f := float64(n)
	return Estimate{e.Value * f, e.Low * f, e.High * f}
}

// add returns the estimate of the sum of two figures of independent samples, by MOVER.
func add(a, b Estimate) Estimate {
	v := a.Value + b.Value
	return Estimate{v, v - math.Hypot(a.Value-a.Low, b.Value-b.Low), v + math.Hypot(a.High-a.Value, b.High-b.Value)}
}

// share returns Wilson's interval of a share, k of n that were drawn of size.
func share(k, n, size int) Estimate {
	if n == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	p := float64(k) / float64(n)
	if n >= size {
		return Estimate{p, p, p}
	}
	m := float64(n) / (1 - float64(n)/float64(size)) // of an infinite population, as precise
	centre, half := (p+z*z/(2*m))/(1+z*z/m), z/(1+z*z/m)*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return Estimate{p, min(p, max(0, centre-half)), max(p, min(1, centre+half))}
}

// mean returns the score interval of a mean of counts that were drawn of size.
func mean(counts []float64, size int) Estimate {
	n := float64(len(counts))
	if n == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	sum, squares := 0.0, 0.0
	for _, c := range counts {
		sum, squares = sum+c, squares+c*c
	}
	m := sum / n
	if len(counts) >= size {
		return Estimate{m, m, m}
	}
	dispersion := 1.0
	if sum > 0 && n > 1 {
		dispersion = max(1, (squares-n*m*m)/(n-1)/m)
	}
	e := n / dispersion / (1 - n/float64(size))
	centre, half := m+z*z/(2*e), z*math.Sqrt(m/e+z*z/(4*e*e))
	return Estimate{m, min(m, max(0, centre-half)), centre + half}
}
