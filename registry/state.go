package registry

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Types of schemas, as the API names them.
const (
	typeAvro     = "AVRO"
	typeProtobuf = "PROTOBUF"
)

// Levels of compatibility.
const (
	none     = "NONE"
	backward = "BACKWARD"
	forward  = "FORWARD"
	full     = "FULL"

	transitive = "_TRANSITIVE" // suffix: with all versions, not the latest alone
)

// Modes of a subject, or of all.
const (
	readWrite = "READWRITE"
	readOnly  = "READONLY"
	importing = "IMPORT" // ids and versions are given, nothing is checked
)

var (
	levels = []string{none, backward, backward + transitive, forward, forward + transitive, full, full + transitive}
	modes  = []string{readWrite, readOnly, importing}
)

// reference is a version of a subject that a schema uses by a name.
type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// content is a schema with its references.
type content struct {
	Type       string      `json:"schemaType,omitempty"` // absent: AVRO
	References []reference `json:"references,omitempty"`
	Schema     string      `json:"schema"`
}

func (c *content) kind() string { return cmp.Or(c.Type, typeAvro) }

// registration is a schema to register, or to look for.
type registration struct {
	content
	ID      int `json:"id,omitempty"`      // given in the mode IMPORT
	Version int `json:"version,omitempty"` // as well
}

// stored is a version of a subject.
type stored struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
	content
	Deleted bool `json:"deleted"`
}

// state is what the topic says.
type state struct {
	subjects map[string][]*stored // versions, ascending, with the deleted ones
	levels   map[string]string    // of subjects, "" of all
	modes    map[string]string
	maxID    int // greatest id that was ever given

	identities sync.Map // parsed.identity by id, of schemas that were compared
}

func newState() *state {
	return &state{subjects: make(map[string][]*stored), levels: make(map[string]string), modes: make(map[string]string)}
}

// put adds or replaces a version.
func (s *state) put(v *stored) {
	versions := s.subjects[v.Subject]
	i, found := slices.BinarySearchFunc(versions, v.Version, func(a *stored, version int) int { return cmp.Compare(a.Version, version) })
	if found {
		versions[i] = v
	} else {
		versions = slices.Insert(versions, i, v)
	}
	s.subjects[v.Subject] = versions
	s.maxID = max(s.maxID, v.ID)
}

// remove forgets a version.
func (s *state) remove(subject string, version int) {
	versions := slices.DeleteFunc(s.subjects[subject], func(v *stored) bool {
		if v.Version == version {
			s.identities.Delete(v.ID)
		}
		return v.Version == version
	})
	if len(versions) == 0 {
		delete(s.subjects, subject)
		return
	}
	s.subjects[subject] = versions
}

// versions returns the versions of a subject, also the deleted ones if they are wanted.
func (s *state) versions(subject string, deleted bool) (found []*stored) {
	for _, v := range s.subjects[subject] {
		if deleted || !v.Deleted {
			found = append(found, v)
		}
	}
	return found
}

// version returns a version of a subject, nil if there is none. 0 is the latest one.
func (s *state) version(subject string, version int, deleted bool) *stored {
	versions := s.versions(subject, deleted)
	for i, v := range versions {
		if v.Version == version || version == latest && i == len(versions)-1 {
			return v
		}
	}
	return nil
}

// latest stands for the number of the latest version.
const latest = 0

// byID returns the versions that have an id, by subject.
func (s *state) byID(id int) (found []*stored) {
	for _, v := range s.all() {
		if v.ID == id {
			found = append(found, v)
		}
	}
	return found
}

// all returns every version, also the deleted ones, by subject and version.
func (s *state) all() (found []*stored) {
	for _, subject := range slices.Sorted(maps.Keys(s.subjects)) {
		found = append(found, s.subjects[subject]...)
	}
	return found
}

// referencing returns the versions, also deleted ones if they are wanted, that refer to one.
func (s *state) referencing(to *stored, deleted bool) (found []*stored) {
	for _, v := range s.all() {
		uses := slices.ContainsFunc(v.References, func(r reference) bool { return r.Subject == to.Subject && r.Version == to.Version })
		if uses && (deleted || !v.Deleted) {
			found = append(found, v)
		}
	}
	return found
}

// level returns the level of compatibility that holds for a subject.
func (s *state) level(subject string) string {
	return cmp.Or(s.levels[subject], s.levels[""], backward)
}

// mode returns the mode that holds for a subject.
func (s *state) mode(subject string) string {
	return cmp.Or(s.modes[subject], s.modes[""], readWrite)
}

// isTransitive reports whether a level is about all versions.
func isTransitive(level string) bool { return strings.HasSuffix(level, transitive) }
