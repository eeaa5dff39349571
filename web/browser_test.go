package web_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

// The page and the server together: policy, cookies and tokens are what a browser needs, and
// no more. The site of the test lacks what the views ask for (404).
func TestLogin_InABrowser_ByKeyboard(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	p := browser.Blank(t)
	p.Expect("40[14]")
	p.Goto(w.url + "/")
	p.WaitText("h1", "Log in")
	p.Accessible()
	p.Press("ada" + kb.Tab + "wrong" + kb.Enter)
	p.WaitText("#wrong", "user or password is wrong")
	p.Accessible()
	p.Press(adminPassword + kb.Enter)
	p.WaitText("#user", "ada")
	require.Empty(t, browser.Eval[string](p, `document.cookie`), "scripts cannot read it")
	p.Click("#logout")
	p.WaitText("h1", "Log in")
	status, _ := w.browser().status("GET", "/api/v1/session", "")
	require.Equal(t, 401, status)
}
