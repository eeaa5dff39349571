package full

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/config"
)

// A rule that nothing can make come true is named at the start: an alarm that never comes looks
// like one that has nothing to say.
func TestDoubts_RulesThatNothingMakesTrue_NamedWithTheReason(t *testing.T) {
	t.Parallel()
	settings := map[string]config.CameraSettings{"door": {}}
	for text, want := range map[string]string{
		"person in door":                    "",
		"PERSON in door":                    "",
		"person in yard":                    "",
		"camera door blind for 5m":          "",
		"crossing of door/step":             "",
		"occupancy of hall > 3":             "",
		"person in yrad":                    `alarm a: no source is named "yrad"; did you mean "yard"?`,
		"camera roof-of-house blind for 5m": `alarm a: no source is named "roof-of-house"; there is door, yard`,
		"persn in door":                     "alarm a: persn is not among the --classes, which are Person, bus",
		"person in yard/mat":                "alarm a: camera yard has no zones",
		"crossing of yard/step in":          "alarm a: camera yard has no lines",
	} {
		r, err := rule.Parse(text)
		require.NoError(t, err)
		require.NoError(t, r.Resolve(rule.Known{Places: []string{"hall"}}))
		r.Name = "a"
		got := doubts([]rule.Rule{r}, []string{"door", "yard"}, settings, config.Detect{Classes: []string{"Person", "bus"}, Track: "on"})
		if want == "" {
			require.Empty(t, got, text)
		} else {
			require.Equal(t, []string{want}, got, text)
		}
	}
	r, err := rule.Parse("loitering in door/mat for 1m")
	require.NoError(t, err)
	require.Equal(t, []string{"alarm : it needs tracks, and --track is off"},
		doubts([]rule.Rule{r}, []string{"door"}, settings, config.Detect{Classes: []string{"person"}, Track: "off"}))
}
