package event

// Derived is an event that follows from a run's sightings: a *Crossing or a *Visit. Its
// producer writes it with the Sighting that completes it.
type Derived interface {
	Schema() string // its schema header
	Encode() ([]byte, error)
	Complete()
}
