package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

const alarmsConfig = `cameras:
  yard:
    lines: {gate: [[0.5, 0], [0.5, 1]]}
alarms:
  crossed: {when: crossing of yard/gate, max-age: 8760h}
  somebody: {when: person in yard for 1s, max-age: 8760h}
`

// What the page lists is what the database has; an alarm that is acknowledged stays so.
func TestPage_Alarms_ListFiltersAndAcknowledgement(t *testing.T) {
	t.Parallel()
	config, dir := filepath.Join(t.TempDir(), "sightlog.yaml"), dataDir(t)
	tested := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); strings.Contains(string(b), `"event":"test"`) {
			tested <- string(b)
		}
	}))
	t.Cleanup(hook.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("between us"), 0o600))
	require.NoError(t, os.WriteFile(config, []byte(alarmsConfig+"receivers: {hook: {webhook: "+hook.URL+", secret-file: "+secret+"}}\n"), 0o600))
	ok(t, sightlog, "run", "--config", config, "--data", dir, "--web", "off", "--pace", "fast", "--source", "yard=test://people?people=3&fps=5&size=640x360&frames=300")
	p := start(t, sightlogd, "serve", "--config", config, "--data", dir, "--web", "127.0.0.1:0")
	url := pageOf(t, dir, p)
	from := []string{"--data", dir}
	n := number(t, from, "select count(*) from alarms")
	crossed := number(t, from, "select count(*) from alarms where rule = 'crossed'")
	require.Positive(t, crossed)
	require.Greater(t, n, crossed)

	shown := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll('.alarms li').length === %d`, min(n, 50))
	}
	page := browser.Open(t, url+"#/alarms?tz=UTC")
	page.Wait(shown(n))
	page.WaitText("nav", "Alarms")
	page.Run(`(s => { s.value = 'crossed'; s.dispatchEvent(new Event('change')) })(document.querySelector('#by-rule'))`)
	page.Wait(`location.hash.includes('rule=crossed')`)
	page.Wait(shown(crossed))
	page.Goto(url + "#/alarms?tz=UTC&rule=somebody&state=unacknowledged") // a link has its filters
	page.Wait(shown(n - crossed))
	require.Equal(t, "somebody", browser.Eval[string](page, `document.querySelector('#by-rule').value`))

	// Another page is told what happens in this one.
	other := browser.Open(t, url+"#/alarms?tz=UTC&rule=somebody")
	other.Wait(shown(n - crossed))
	id := browser.Eval[string](page, `document.querySelector('.alarms li').dataset.alarm`)
	page.Click(".alarms li button")
	page.WaitText(`[data-alarm="`+id+`"]`, "page, ")
	other.WaitText(`[data-alarm="`+id+`"]`, "page, ")
	other.Click("#test-rule")
	require.Contains(t, <-tested, "a test of somebody, nothing has happened")
	other.WaitText("[aria-live]", "The test was taken by hook.")
	require.Equal(t, "page", fmt.Sprint(rows(t, from, "select acked_by as v from alarms where id = '"+id+"'")[0]["v"]))
	page.Goto(url + "#/alarms?tz=UTC&rule=crossed")
	page.Wait(shown(crossed))
	page.WaitText("#test-rule", "Send a test")
	page.EachShape(func(name string) { page.Document("docs/page-alarms-" + name + ".png") })
	page.Goto(url + "#/alarms?rule=crossed&state=open")
	page.WaitText("main", "There is no alarm of this kind.")
	require.Zero(t, p.stop(t).code, p.output)
}
