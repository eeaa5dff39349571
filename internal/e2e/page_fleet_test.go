package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

// Of fifty cameras those in sight alone are asked for, and none while the tab is hidden.
func TestPage_FiftyCameras_OnlyThoseInSight(t *testing.T) {
	t.Parallel()
	var sources []string
	for i := range 50 {
		sources = append(sources, "--source", fmt.Sprintf("cam-%d=test://people?people=1&fps=1&size=160x120&frames=20000", i))
	}
	dir := dataDir(t)
	page := pageOf(t, dir, start(t, sightlog, append([]string{"run", "--data", dir, "--web", "127.0.0.1:0"}, sources...)...))
	p := browser.Blank(t)
	p.Goto(page)
	p.Wait(`document.querySelectorAll('[data-camera]').length === 50`)
	p.Wait(`document.querySelector('` + tile("cam-0") + `').dataset.seq`)
	require.True(t, browser.Eval[bool](p, `[...document.querySelectorAll('[data-camera]')].every((e, i) => e.dataset.camera === 'cam-' + i)`), "cam-2 is before cam-10")

	// Each request of pictures from now on: its cameras, and whether it was ended.
	p.Run(`window.asked = []; const send = window.fetch; void (window.fetch = (at, options) => {
		const u = new URL(at, location);
		if (u.pathname.endsWith('/live')) asked.push({ cameras: (u.searchParams.get('cameras') || '').split(','), signal: options.signal });
		return send(at, options);
	})`)
	p.Run(`document.querySelector('` + tile("cam-49") + `').scrollIntoView()`)
	p.Wait(`asked.some((a) => a.cameras.includes('cam-49'))`)
	p.Wait(`document.querySelector('` + tile("cam-49") + `').dataset.seq`)
	require.False(t, browser.Eval[bool](p, `asked.at(-1).cameras.includes('cam-0')`))
	require.Less(t, browser.Eval[int](p, `asked.at(-1).cameras.length`), 50)

	hide := func(hidden bool) {
		t.Helper()
		p.Run(fmt.Sprintf(`Object.defineProperty(document, 'hidden', { value: %t, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`, hidden))
	}
	p.Wait(`!asked.at(-1).signal.aborted`)
	n := browser.Eval[int](p, `asked.length`)
	hide(true)
	p.Wait(`asked.every((a) => a.signal.aborted)`)
	hide(false)
	p.Wait(fmt.Sprintf(`asked.length > %d && !asked.at(-1).signal.aborted`, n))
	before := browser.Eval[string](p, `document.querySelector('`+tile("cam-49")+`').dataset.seq`)
	p.Wait(`document.querySelector('` + tile("cam-49") + `').dataset.seq !== '` + before + `'`)
	p.Accessible()
}
