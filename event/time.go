package event

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 in UTC with exactly six decimals: PostgreSQL's
// resolution, and text that sorts as time.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Time is an instant in UTC, cut to microseconds. Its zero value is "not
// known" and encodes as null.
type Time struct{ time.Time }

// At returns t as a Time.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

// MarshalJSON encodes the time as RFC 3339 UTC with six decimals, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("encode time: year %d is outside 1..9999", y)
	}
	b := make([]byte, 0, len(timeLayout)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeLayout)
	return append(b, '"'), nil
}

// UnmarshalJSON accepts null and any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	var v time.Time
	if err := v.UnmarshalJSON(b); err != nil {
		return err
	}
	*t = At(v)
	return nil
}
