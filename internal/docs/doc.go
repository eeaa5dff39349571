// Package docs keeps the pages of docs/ true: its tests compare the generated
// ones with what generates them, and check links and commands of the others.
//
//	go test ./internal/docs -update   # writes the generated pages
package docs
