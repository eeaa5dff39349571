package ingest

import "testing"

// Fingerprint is a file's, whatever is in it.
func Fingerprint(t *testing.T, path string) string {
	t.Helper()
	print, err := fingerprint(path)
	if err != nil {
		t.Fatal(err)
	}
	return print
}
