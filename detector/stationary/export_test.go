package stationary

// Len returns how many objects the marker remembers.
func (m *Marker) Len() int { return len(m.objects) }
