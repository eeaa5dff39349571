// Package models knows the detection models by name: where each comes from,
// under which licence, and the SHA-256 of the very file.
//
// It owns the catalogue, finding a model's file ($SIGHTLOG_MODELS,
// ../shared/models, the user's cache), pulling it, and checking it. What a
// graph wants to be fed is read from the graph itself by package detector.
//
// It promises that a file used under a catalogue name has the SHA-256 the
// catalogue states. An untested build is unverified and refused
// unless that is asked for; its SHA-256 is checked all the same.
package models
