package quota

import (
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// The types of a part of an entity.
const (
	User     = "user"
	ClientID = "client-id"
	ip       = "ip" // which Kafka has for connections
)

// Entity is what a limit is of: its parts by type. A part without a name is the default.
type Entity map[string]*string

// key returns the entity's key in the store; equal entities have equal ones.
func (e Entity) key() string {
	b, err := json.Marshal(map[string]*string(e))
	if err != nil {
		panic(fmt.Sprintf("encode the entity of a quota: %v", err)) // strings, which cannot fail
	}
	return string(b)
}

// check returns INVALID_REQUEST unless limits can be set for the entity.
func (e Entity) check() error {
	if len(e) == 0 {
		return fmt.Errorf("%w: a quota of nobody: name a user, a client id, or both", kerr.InvalidRequest)
	}
	for kind, name := range e {
		switch {
		case kind == ip:
			return fmt.Errorf("%w: this broker limits connections by max.connections alone, not by address", kerr.InvalidRequest)
		case kind != User && kind != ClientID:
			return fmt.Errorf("%w: unknown entity type %q: want %s or %s", kerr.InvalidRequest, kind, User, ClientID)
		case name != nil && *name == "":
			return fmt.Errorf("%w: %s without a name", kerr.InvalidRequest, kind)
		}
	}
	return nil
}

// The limits.
const (
	Produce  = "producer_byte_rate" // bytes of Produce requests, a second
	Fetch    = "consumer_byte_rate" // bytes of records in Fetch responses, a second
	Requests = "request_percentage" // time of one thread that requests take, in percent
)

// checkLimit returns INVALID_REQUEST unless the limit exists and may have the value.
func checkLimit(name string, value float64) error {
	switch name {
	case Produce, Fetch, Requests:
		if !(value > 0) { // nor NaN
			return fmt.Errorf("%w: %s: want more than 0, not %v", kerr.InvalidRequest, name, value)
		}
		return nil
	}
	return unknownLimit(name)
}

func unknownLimit(name string) error {
	switch name {
	case Produce, Fetch, Requests:
		return nil
	case "controller_mutation_rate", "connection_creation_rate":
		return fmt.Errorf("%w: %s: this broker limits %s, %s and %s alone", kerr.InvalidRequest, name, Produce, Fetch, Requests)
	}
	return fmt.Errorf("%w: unknown quota %q: want %s, %s or %s", kerr.InvalidRequest, name, Produce, Fetch, Requests)
}

// candidates returns the entities whose limits a client meets, the first that has one decides,
// and the name of what shares it.
func candidates(user, client string) []candidate {
	both, byUser, byClient := user+"\x00"+client, user+"\x00", "\x00"+client
	return []candidate{
		{Entity{User: &user, ClientID: &client}, both},
		{Entity{User: &user, ClientID: nil}, both},
		{Entity{User: &user}, byUser},
		{Entity{User: nil, ClientID: &client}, both},
		{Entity{User: nil, ClientID: nil}, both},
		{Entity{User: nil}, byUser},
		{Entity{ClientID: &client}, byClient},
		{Entity{ClientID: nil}, byClient},
	}
}

type candidate struct {
	entity Entity
	shares string // users and clients with the same share the limit
}
