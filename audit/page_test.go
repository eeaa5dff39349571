package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/internal/browser"
)

// asked is an audit with two pictures a unit, and its page.
func asked(t *testing.T, size, n int) (d *audit.Drawn, page string, jpegs []string) {
	t.Helper()
	w := newWorld(rand.New(rand.NewPCG(1, 2)), size, 2*size, .1, .1, .1, 2)
	w.population.Runs = []audit.Run{{Name: "r", Began: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}}
	d = &audit.Drawn{
		ID: 7, DrawnAt: time.Date(2026, 5, 2, 8, 0, 0, 123456000, time.UTC), Camera: "door", Line: `</script><b>"gate"`,
		Sizes: w.population.Sizes(), Sample: audit.Draw(&w.population, n, 5),
	}
	pictures := make([][]audit.Picture, len(d.Sample))
	for i := range pictures {
		for k := range 2 {
			jpeg := fmt.Sprintf("\xff\xd8 picture %d of item %d", k, i)
			pictures[i] = append(pictures[i], audit.Picture{At: time.Duration(k) * time.Second, JPEG: []byte(jpeg)})
			jpegs = append(jpegs, jpeg)
		}
	}
	var b bytes.Buffer
	s := &audit.Subject{Since: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)}
	require.NoError(t, audit.WritePage(&b, d, s, &w.population, pictures))
	return d, b.String(), jpegs
}

// content returns the data of the page.
func content(t *testing.T, page string) (data struct {
	Items []struct{ Pictures []string }
},
) {
	t.Helper()
	m := regexp.MustCompile(`(?s)id="data">(.*?)</script>`).FindStringSubmatch(page)
	require.NotNil(t, m)
	require.NoError(t, json.Unmarshal([]byte(m[1]), &data))
	return data
}

func TestWritePage_Pictures_AreAllInItWithoutLinks(t *testing.T) {
	t.Parallel()
	_, page, jpegs := asked(t, 20, 40)
	var found []string
	for _, item := range content(t, page).Items {
		for _, uri := range item.Pictures {
			b, ok := strings.CutPrefix(uri, "data:image/jpeg;base64,")
			require.True(t, ok)
			var picture []byte
			require.NoError(t, json.Unmarshal([]byte(`"`+b+`"`), &picture))
			found = append(found, string(picture))
		}
	}
	require.Equal(t, jpegs, found)
	require.NotRegexp(t, `https?:|//[a-z]+\.|<link|<iframe|@import|fetch\(|XMLHttpRequest|url\(`, page)
	require.Contains(t, page, `default-src 'none'`, "the browser refuses what may have been overlooked")
	require.NotContains(t, page, "<b>", "a name is text")
}

// driven loads the page in a browser after these keys were pressed.
func driven(t *testing.T, page string, keys []string) (dom string) {
	t.Helper()
	all, err := json.Marshal(keys)
	require.NoError(t, err)
	script := fmt.Sprintf(`<script>for (const key of %s) document.dispatchEvent(new KeyboardEvent("keydown", { key }));</script></body>`, all)
	path := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(page, "</body>", script, 1)), 0o600))
	return browser.Open(t, "file://"+filepath.ToSlash(path)).HTML()
}

// element returns the text of an element with an id.
func element(t *testing.T, dom, id string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s) id="` + id + `"[^>]*>(.*?)</`).FindStringSubmatch(dom)
	require.NotNil(t, m, "no element %s", id)
	return html.UnescapeString(m[1])
}

// TestWritePage_AnsweredInABrowser_FileAndResultOfTheKeys answers every kind of item with every key and
// compares the page's result with Compute's.
func TestWritePage_AnsweredInABrowser_FileAndResultOfTheKeys(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"a sample": 100, "all of them": 15} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, page, _ := asked(t, size, 60)
			random := rand.New(rand.NewPCG(8, 9))
			var keys []string
			var want []audit.FileAnswer
			answers := make([]audit.Answer, len(d.Sample))
			for i, u := range d.Sample {
				a := audit.Answer{Verdict: []string{audit.Right, audit.Right, audit.Right, audit.Wrong, audit.Reversed, audit.Unclear}[random.IntN(6)]}
				press := map[string][]string{audit.Right: {"x", "y"}, audit.Wrong: {"n"}, audit.Reversed: {"r"}, audit.Unclear: {"u"}}[a.Verdict]
				if u.Kind == audit.Stretch {
					a = audit.Answer{Verdict: audit.Missed, In: random.IntN(3) / 2, Out: random.IntN(3)}
					press = []string{"y", "5", "Backspace", fmt.Sprint(a.In), fmt.Sprint(a.Out)}
					if a.In+a.Out == 0 {
						press = []string{"n"}
					}
				}
				if i == 3 { // changed afterwards
					press = append(press, append([]string{"Backspace"}, press...)...)
				}
				if i == len(d.Sample)-1 { // left open
					a, press = audit.Answer{}, []string{"Enter"}
				} else {
					want = append(want, audit.FileAnswer{Item: i + 1, Answer: a.Verdict, In: a.In, Out: a.Out})
				}
				keys, answers[i] = append(keys, press...), a
			}
			dom := driven(t, page, keys)
			require.Equal(t, `Audit 7: line </script><b>"gate" of camera door`, element(t, dom, "title"))
			require.Equal(t, fmt.Sprintf("%d of %d answered", len(d.Sample)-1, len(d.Sample)), element(t, dom, "done"))
			require.Empty(t, element(t, dom, "open"))

			file, err := audit.ReadFile("f", strings.NewReader(element(t, dom, "file")))
			require.NoError(t, err)
			require.Equal(t, &audit.File{Audit: 7, DrawnAt: d.DrawnAt, Answers: want}, file)
			read, err := file.For("f", d.Sample)
			require.NoError(t, err)
			require.Equal(t, answers, read)

			in, out := audit.Compute(d.Sizes, d.Sample, answers)
			rows := regexp.MustCompile(`(?s) id="rows">(.*?)</tbody>`).FindStringSubmatch(dom)
			require.NotNil(t, rows)
			var cells []string
			for _, m := range regexp.MustCompile(`<td>(.*?)</td>`).FindAllStringSubmatch(rows[1], -1) {
				cells = append(cells, html.UnescapeString(m[1]))
			}
			require.Len(t, cells, 12)
			for k, r := range []audit.Result{in, out} {
				c := cells[6*k:]
				kind := []audit.Kind{audit.In, audit.Out}[k]
				require.Equal(t, fmt.Sprintf("%s %s: counted %s, actual %s; precision %s (%d of %d); recall %s (%d missed in the sample)",
					c[0], c[1], c[2], c[3], c[4], r.Correct, r.Checked, c[5], r.Missed), r.Sentence(kind))
			}
		})
	}
}

func TestWritePage_AKindWithoutAnAnswer_NoResult(t *testing.T) {
	t.Parallel()
	_, page, _ := asked(t, 15, 60)
	dom := driven(t, page, []string{"e"})
	require.Contains(t, element(t, dom, "open"), "answer some of each kind (in, out, stretch)")
	require.Contains(t, dom, `<table id="table" hidden=""`)
}
