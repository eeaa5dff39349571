package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what one hash costs: those that OWASP recommends for argon2id.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

var defaultCost = cost{memory: 19 << 10, passes: 2, lanes: 1}

// maxCost bounds what a line of the file can make a login cost.
var maxCost = cost{memory: 256 << 10, passes: 16, lanes: 16}

const (
	saltBytes = 16
	keyBytes  = 32
)

// hash is an argon2id hash. Its text is a PHC string:
// $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY.
type hash struct {
	cost
	salt, key []byte
}

func newHash(password string) hash {
	h := hash{cost: defaultCost, salt: make([]byte, saltBytes)}
	_, _ = rand.Read(h.salt) // never fails
	h.key = h.of(password)
	return h
}

// dummy returns a hash that costs what h costs, of no password.
func (h hash) dummy() hash {
	d := hash{cost: h.cost, salt: make([]byte, len(h.salt)), key: make([]byte, len(h.key))}
	_, _ = rand.Read(d.salt) // never fails
	_, _ = rand.Read(d.key)
	return d
}

func (h hash) of(password string) []byte {
	length := uint32(max(keyBytes, len(h.key))) //nolint:gosec // parseHash bounds it
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, length)
}

// matches reports whether the hash is of a password. It takes as long for each.
func (h hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.key) == 1
}

func (h hash) String() string {
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, text(h.salt), text(h.key))
}

var errHash = errors.New("no argon2id hash ($argon2id$v=19$m=19456,t=2,p=1$SALT$KEY)")

func parseHash(text string) (h hash, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errHash
	}
	var version int
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &h.memory, &h.passes, &h.lanes); err != nil {
		return h, errHash
	}
	h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err == nil {
		h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	}
	switch {
	case err != nil || version != argon2.Version || h.memory < 8 || h.passes < 1 || h.lanes < 1 || h.memory < 8*uint32(h.lanes),
		len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < keyBytes || len(h.key) > 64, h.String() != text:
		return h, errHash
	case h.memory > maxCost.memory || h.passes > maxCost.passes || h.lanes > maxCost.lanes:
		return h, fmt.Errorf("the hash costs too much: at most m=%d,t=%d,p=%d", maxCost.memory, maxCost.passes, maxCost.lanes)
	}
	return h, nil
}

// newSecret returns 256 random bits as text.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenPrefix makes a token recognisable to programs that look for secrets in files.
const tokenPrefix = "sightlog_"

// digest is how a secret of 256 random bits is kept: it needs no salt and no slow hash.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
