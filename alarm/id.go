package alarm

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
)

// makeID returns the id of the alarm of a rule at a subject that began at a time. about
// tells apart those that begin at the same time.
func makeID(r *rule.Rule, subject string, began time.Time, about ...string) string {
	parts := append([]string{r.Name, subject, strconv.FormatInt(began.UnixMicro(), 10)}, about...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}
