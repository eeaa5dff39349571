package host

import "os"

// Scratch makes a directory for a benchmark in dir, or in the system's for temporary files
// if dir is empty. The user of a private database can reach it.
func Scratch(dir string) (string, error) {
	made, err := os.MkdirTemp(dir, "sightlog-bench-")
	if err == nil {
		err = os.Chmod(made, 0o755)
	}
	return made, err
}
