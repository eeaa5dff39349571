package browser

import (
	"encoding/json"
	"strings"
)

// quote is a value as a script has it.
func quote(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a string or a number
	return strings.TrimSpace(b.String())
}
