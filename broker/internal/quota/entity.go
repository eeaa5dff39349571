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

// id is an entity as a key of maps.
type id struct{ user, client part }

// part is a part of an entity.
type part struct {
	kind partKind
	name string // of namedPart
}

type partKind byte

const (
	absentPart partKind = iota
	defaultPart
	namedPart
)

func (e Entity) id() id {
	of := func(kind string) part {
		switch name, has := e[kind]; {
		case !has:
			return part{}
		case name == nil:
			return part{kind: defaultPart}
		default:
			return part{namedPart, *name}
		}
	}
	return id{of(User), of(ClientID)}
}

func (i id) entity() Entity {
	e := Entity{}
	for kind, p := range map[string]part{User: i.user, ClientID: i.client} {
		switch p.kind {
		case defaultPart:
			e[kind] = nil
		case namedPart:
			e[kind] = &p.name
		}
	}
	return e
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
// and the clients that share it. It is asked for each request.
func candidates(user, client string) [8]candidate {
	u, c, each, none := part{namedPart, user}, part{namedPart, client}, part{kind: defaultPart}, part{}
	both, byUser, byClient := id{u, c}, id{u, none}, id{none, c}
	return [8]candidate{
		{both, both},
		{id{u, each}, both},
		{byUser, byUser},
		{id{each, c}, both},
		{id{each, each}, both},
		{id{each, none}, byUser},
		{byClient, byClient},
		{id{none, each}, byClient},
	}
}

type candidate struct {
	entity id
	shares id // users and clients with the same share the limit
}
