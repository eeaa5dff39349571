package bench

import (
	"fmt"
	"strings"

	"github.com/sightlog/sightlog/bench/result"
)

// IncorrectError means that the measurement is not one: frames are missing, twice there or
// out of order.
type IncorrectError struct{ result.Correctness }

func (e *IncorrectError) Error() string {
	c := e.Correctness
	text := fmt.Sprintf("no figures: %d frames were sent, %d are rows; %d twice, %d missing, %d out of order", c.Sent, c.Stored, c.Duplicates, c.Missing, c.Disorder)
	return strings.Join(append([]string{text}, c.Problems...), "; ")
}
