package detector

// ForceScalar makes the letterbox work without vector instructions.
func (d *Detector) ForceScalar(on bool) { d.scalar = on }
