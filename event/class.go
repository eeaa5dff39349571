package event

import "strings"

// Person is the class that "people" counts, wherever people are counted.
const Person = "person"

// ClassName returns the one spelling of a class's name: lower case, without
// spaces around it. Names are brought to it where they enter (a model's names,
// a description, a flag, a label file, a record of another producer) and are
// equal if their spellings are: "Person" of a model is the "person" of
// --classes, of v_detections.label, and of what people counts.
func ClassName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
