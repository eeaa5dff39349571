package models

// Model is a model that is installed, in a file or in the program.
type Model struct {
	Name   string
	Path   string // of its file; "" for the one in the program
	Data   []byte // of the one in the program
	SHA256 string // checked; "" for a person's own file
}
