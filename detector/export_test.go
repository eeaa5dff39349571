package detector

// ForcePlain makes the letterbox work without vector instructions.
func (d *Detector) ForcePlain(on bool) { d.plain = on }
