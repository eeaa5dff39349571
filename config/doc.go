// Package config holds every key that can be set, once: its name, default,
// help and where it may come from. A flag wins over an environment variable
// (SIGHTLOG_ and the name), that over the file given by --config, that over
// the default.
//
// An environment variable that is empty counts as not set. A value keeps the
// text that was typed, byte by byte, in the file too: 0123 is a password of four
// digits. A ~ or ~name at the beginning of a path is that home directory, wherever
// the path comes from.
//
// The structs carry the tags of the command line's parser; the commands embed
// those they need. The file is YAML whose top-level keys are the flags' names,
// and one more, "cameras", with what is set for each camera. What the keys mean
// is left to the packages that use them.
package config
