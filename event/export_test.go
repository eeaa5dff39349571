package event

// DecodeGeneral is DecodeSighting without the scanner.
var DecodeGeneral = decodeGeneral

// Scans reports whether the scanner reads b, which is not left to the general decoder.
func Scans(b []byte) bool {
	d := decoder{names: make(map[string]string)}
	return d.sighting(b, new(Sighting))
}
