package query

// Thin and Deviation are tested by themselves.
var (
	Thin      = thin
	Deviation = deviation
)
