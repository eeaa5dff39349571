package wire

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// UUID is a topic's id (RFC 9562). Clients write it as unpadded URL-safe base64.
type UUID [16]byte

// NewUUID returns a random id (version 4).
func NewUUID() (id UUID) {
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (id UUID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// MarshalText encodes the id as clients write it.
func (id UUID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is MarshalText's inverse.
func (id *UUID) UnmarshalText(text []byte) error {
	if base64.RawURLEncoding.DecodedLen(len(text)) != len(id) {
		return fmt.Errorf("uuid of %d characters", len(text))
	}
	_, err := base64.RawURLEncoding.Decode(id[:], text)
	return err
}
