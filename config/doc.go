// Package config defines every configuration key once: its name, default, help and
// sources. A flag wins over an environment variable
// (SIGHTLOG_ and the name), that over the file given by --config, that over
// the default.
//
// An environment variable that is empty counts as not set. A value keeps the
// text that was typed, byte by byte, also in the file: 0123 is a password of four
// digits. A ~ or ~name at the beginning of a path is that home directory, wherever
// the path comes from.
//
// The structs carry the tags of the command line's parser; the commands embed
// those they need. The top-level keys of the YAML file are the names of the flags,
// "cameras" with the settings of each camera, and "places" with the lines of each place. The meaning of the keys belongs to the
// packages that use them.
package config
