package registry

import (
	"encoding/json"
	"fmt"
)

// Kinds of records of the topic.
const (
	schemaKind  = "SCHEMA"
	configKind  = "CONFIG"
	modeKind    = "MODE"
	deleteKind  = "DELETE_SUBJECT"
	noopKind    = "NOOP"
	idKind      = "SIGHTLOG_ID" // no registry of others has it
	schemaMagic = 1
)

// recordKey is a record's key. Its text decides which records compaction removes, so the order of
// the fields is fixed; null and a number that is absent are told apart as in Confluent's.
type recordKey struct {
	Kind    string  `json:"keytype"`
	Subject *string `json:"subject,omitempty"`
	Version *int    `json:"version,omitempty"`
	Magic   int     `json:"magic"`
}

type subjectKey struct {
	Kind    string  `json:"keytype"`
	Subject *string `json:"subject"` // null: of all subjects
	Magic   int     `json:"magic"`
}

type (
	configValue struct {
		Level string `json:"compatibilityLevel"`
	}
	modeValue struct {
		Mode string `json:"mode"`
	}
	deleteValue struct {
		Subject string `json:"subject"`
		Version int    `json:"version"` // this and all before are deleted
	}
	idValue struct {
		ID int `json:"id"`
	}
)

// change is a record that changes the state. A value of nil deletes what the key names.
type change struct{ key, value []byte }

func newChange(key, value any) change {
	c := change{key: mustJSON(key)}
	if value != nil {
		c.value = mustJSON(value)
	}
	return c
}

// mustJSON encodes one of the types above, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("registry: " + err.Error())
	}
	return b
}

func putVersion(v *stored) change { return newChange(versionKey(v), v) }

func removeVersion(v *stored) change { return newChange(versionKey(v), nil) }

func versionKey(v *stored) recordKey {
	return recordKey{Kind: schemaKind, Subject: &v.Subject, Version: &v.Version, Magic: schemaMagic}
}

func keepID(id int) change { return newChange(recordKey{Kind: idKind}, idValue{id}) }

// setting is the change of a subject's level or mode, or, with the subject "", of that of all.
func setting(kind, subject string, value any) change {
	key := subjectKey{Kind: kind}
	if subject != "" {
		key.Subject = &subject
	}
	return newChange(key, value)
}

// apply applies a record. What it does not know it leaves: a later version, or another registry,
// may have written it.
func (s *state) apply(c change) error {
	var key recordKey
	if err := json.Unmarshal(c.key, &key); err != nil {
		return fmt.Errorf("the key %.80q cannot be read: %w", c.key, err)
	}
	subject := ""
	if key.Subject != nil {
		subject = *key.Subject
	}
	var err error
	switch key.Kind {
	case schemaKind:
		err = s.applySchema(subject, key.Version, c.value)
	case configKind:
		var v configValue
		err = s.applySetting(s.levels, subject, c.value, &v, &v.Level)
	case modeKind:
		var v modeValue
		err = s.applySetting(s.modes, subject, c.value, &v, &v.Mode)
	case deleteKind:
		var v deleteValue
		if c.value == nil {
			return nil
		}
		if err = json.Unmarshal(c.value, &v); err == nil {
			s.softDelete(v)
		}
	case idKind:
		var v idValue
		if err = json.Unmarshal(c.value, &v); err == nil {
			s.maxID = max(s.maxID, v.ID)
		}
	}
	if err != nil {
		return fmt.Errorf("the value of %s cannot be read: %w", c.key, err)
	}
	return nil
}

func (s *state) applySchema(subject string, version *int, value []byte) error {
	if value == nil {
		if version != nil {
			s.remove(subject, *version)
		}
		return nil
	}
	v := new(stored)
	if err := json.Unmarshal(value, v); err != nil {
		return err
	}
	s.put(v)
	return nil
}

func (s *state) applySetting(of map[string]string, subject string, value []byte, v any, text *string) error {
	if value == nil {
		delete(of, subject)
		return nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return err
	}
	of[subject] = *text
	return nil
}

// softDelete marks versions as deleted, as Confluent's registry writes it. Ours writes each
// version.
func (s *state) softDelete(v deleteValue) {
	for _, old := range s.subjects[v.Subject] {
		if old.Version <= v.Version {
			gone := *old
			gone.Deleted = true
			s.put(&gone)
		}
	}
}
