package browser

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// axe is the checker of accessibility, which scripts/setup.sh --tests fetches.
const axe = "lib/axe-core-4.14.1.min.js"

// Accessible fails the test for each violation of WCAG 2.2, level AA, that axe-core finds in the
// page as it is shown now.
func (p *Page) Accessible() {
	p.Helper()
	script, err := os.ReadFile(filepath.Join(testenv.Root(), filepath.FromSlash(axe)))
	if err != nil {
		testenv.Without(p, axe+" is not there: the page is not checked for accessibility (scripts/setup.sh --tests fetches it)")
		return
	}
	if !Eval[bool](p, `typeof axe === 'object'`) {
		p.Run(string(script) + "\n;0")
	}
	var found []struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
	// From its top: the header stays, and covers a part of what has been scrolled under it.
	require.NoError(p, json.Unmarshal([]byte(Eval[string](p, `(async () => {
		const y = scrollY;
		scrollTo(0, 0);
		const r = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']});
		scrollTo(0, y);
		return JSON.stringify(r.violations);
	})()`)), &found))
	for _, v := range found {
		for _, n := range v.Nodes {
			p.Errorf("accessibility: %s: %s\n%s\n%s", v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// maxPicture bounds a picture of the documents, in bytes.
const maxPicture = 60 << 10

// Picture returns the page as it is shown now, as PNG.
func (p *Page) Picture() []byte {
	p.Helper()
	return Get(p, chromedp.CaptureScreenshot())
}

// Document writes the page as it is shown now to a picture of the documents, such as
// "docs/page-live.png", if the environment says UPDATE=1.
func (p *Page) Document(path string) {
	p.Helper()
	if os.Getenv("UPDATE") != "1" {
		return
	}
	picture, err := png.Decode(bytes.NewReader(p.Picture()))
	require.NoError(p, err)
	var b bytes.Buffer
	for _, coarse := range []int{96, 64, 40, 24} { // the fewer colours, the less noise
		b.Reset()
		require.NoError(p, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, paletted(picture, coarse)))
		if b.Len() <= maxPicture {
			break
		}
	}
	require.LessOrEqual(p, b.Len(), maxPicture, "%s: take a smaller window", path)
	require.NoError(p, os.WriteFile(filepath.Join(testenv.Root(), filepath.FromSlash(path)), b.Bytes(), 0o644))
}

// Shapes are the windows in which a page is looked at: wide and of a telephone, light and dark.
var shapes = []struct {
	name, scheme  string
	width, height int64
}{
	{"light", "light", 1280, 800},
	{"dark", "dark", 1280, 800},
	{"phone", "light", 390, 844},
}

// EachShape calls f with the page light, dark, and in the width of a telephone, and checks each
// time that it is accessible and is not wider than its window. It leaves the page light and wide.
func (p *Page) EachShape(f func(name string)) {
	p.Helper()
	for _, s := range shapes {
		p.Viewport(s.width, s.height)
		p.Scheme(s.scheme)
		p.Wait(`matchMedia('(prefers-color-scheme: ` + s.scheme + `)').matches && innerWidth === ` + quote(s.width))
		require.LessOrEqual(p, Eval[int64](p, `document.documentElement.scrollWidth`), s.width, "%s: the page is wider than its window", s.name)
		p.Accessible()
		f(s.name)
	}
	p.Viewport(shapes[0].width, shapes[0].height)
	p.Scheme(shapes[0].scheme)
}
