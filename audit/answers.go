package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// maxFile bounds a file of answers, and maxMissed the crossings that a stretch can have missed.
const (
	maxFile   = 16 << 20
	maxMissed = 99
)

// File is the file of answers that the page saves.
type File struct {
	Audit   int32        `json:"audit"`
	DrawnAt time.Time    `json:"drawn_at"` // with Audit, which database and audit it is of
	Answers []FileAnswer `json:"answers"`
}

// FileAnswer is one answer of it.
type FileAnswer struct {
	Item   int    `json:"item"` // from 1
	Answer string `json:"answer"`
	In     int    `json:"in,omitempty"`
	Out    int    `json:"out,omitempty"`
}

// ReadFile reads a file of answers. A mistake in it is a *usage.Error.
func ReadFile(name string, r io.Reader) (*File, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var f File
	if len(b) > maxFile {
		err = fmt.Errorf("more than %d bytes", maxFile)
	} else {
		err = json.Unmarshal(b, &f)
	}
	if err == nil && f.Audit <= 0 {
		err = fmt.Errorf("it names no audit")
	}
	if err != nil {
		return nil, usage.Wrap(err, "give the file that the page of an audit saves", "%s: %v", name, err)
	}
	return &f, nil
}

// For returns the file's answers to a sample, by its places.
func (f *File) For(name string, sample []Unit) ([]Answer, error) {
	wrong := func(format string, args ...any) error {
		return usage.New("save it again on the page", "%s: "+format, append([]any{name}, args...)...)
	}
	answers := make([]Answer, len(sample))
	for _, a := range f.Answers {
		if a.Item < 1 || a.Item > len(sample) {
			return nil, wrong("item %d is not one of the %d of audit %d", a.Item, len(sample), f.Audit)
		}
		answer, kind := Answer{Verdict: a.Answer, In: a.In, Out: a.Out}, sample[a.Item-1].Kind
		switch {
		case answers[a.Item-1].Verdict != "":
			return nil, wrong("item %d is answered twice", a.Item)
		case !slices.Contains(verdicts(kind), a.Answer):
			return nil, wrong("the answer to item %d is %q, not one of %s", a.Item, a.Answer, strings.Join(verdicts(kind), ", "))
		case a.In < 0 || a.Out < 0 || a.In > maxMissed || a.Out > maxMissed, a.Answer != Missed && a.In+a.Out > 0:
			return nil, wrong("item %d has %d and %d missed crossings", a.Item, a.In, a.Out)
		}
		answers[a.Item-1] = answer
	}
	return answers, nil
}

// verdicts are those that a unit of a kind can have.
func verdicts(k Kind) []string {
	if k == Stretch {
		return []string{Missed, Unclear}
	}
	return []string{Right, Wrong, Reversed, Unclear}
}

// checkEnough returns an error if a kind has units and no answer: then nothing is known of it.
func checkEnough(size Sizes, sample []Unit, answers []Answer) error {
	answered := make(map[Kind]bool)
	for i, a := range answers {
		if a.Verdict != "" && a.Verdict != Unclear {
			answered[sample[i].Kind] = true
		}
	}
	for kind, has := range map[Kind]int{In: size.In, Out: size.Out, Stretch: size.Stretches} {
		if has > 0 && !answered[kind] {
			return usage.New("answer some of each kind: crossings in, crossings out, stretches", "no item of kind %s is answered", kind)
		}
	}
	return nil
}
