package auth

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Credentials are the users' secrets: the passwords of the configuration, and SCRAM
// credentials that administrators stored. A user who has a stored credential has no
// other secret, whatever the mechanism: the password of the configuration, which it
// replaces, is refused until every stored one was deleted.
type Credentials struct {
	store     *storage.Store
	passwords map[string]string // by user
}

// NewCredentials returns the credentials in the store, and the users with the
// passwords.
func NewCredentials(s *storage.Store, passwords map[string]string) *Credentials {
	return &Credentials{store: s, passwords: passwords}
}

// mechanisms are SCRAM's by the number that KIP-554 gives them.
var mechanisms = map[int8]string{1: scramSHA256, 2: scramSHA512}

// mechanismName returns UNSUPPORTED_SASL_MECHANISM for a number that has none.
func mechanismName(number int8) (string, error) {
	if name, ok := mechanisms[number]; ok {
		return name, nil
	}
	return "", kerr.UnsupportedSaslMechanism
}

func credentialKey(mechanism, user string) string { return mechanism + "/" + user }

// stored returns a user's stored credentials by mechanism.
func (cs *Credentials) stored(user string) (map[string]scramRow, error) {
	found := map[string]scramRow{}
	for _, mechanism := range mechanisms {
		v, ok := cs.store.Get(rows.SCRAM, credentialKey(mechanism, user))
		if !ok {
			continue
		}
		var row scramRow
		if err := json.Unmarshal(v, &row); err != nil {
			return nil, fmt.Errorf("read the %s credential of user %s: %w", mechanism, user, err)
		}
		found[mechanism] = row
	}
	return found, nil
}

// lookup returns the credential that a SCRAM exchange is checked with: the one stored
// for its mechanism, or, for a user without a stored one, one derived from the
// configuration's password.
func (cs *Credentials) lookup(mechanism, user string) (scramRow, error) {
	stored, err := cs.stored(user)
	if err != nil {
		return scramRow{}, err
	}
	if row, ok := stored[mechanism]; ok {
		return row, nil
	}
	password, known := cs.passwords[user]
	if !known || len(stored) > 0 {
		return scramRow{}, kerr.SaslAuthenticationFailed
	}
	return scramFromPassword(mechanism, password)
}

// verify checks a password that a client sent: with any of the user's stored
// credentials, or, for a user without one, with the configuration's password.
func (cs *Credentials) verify(user, password string) error {
	stored, err := cs.stored(user)
	if err != nil {
		return err
	}
	for mechanism, row := range stored {
		if ok, err := row.matches(mechanism, password); ok || err != nil {
			return err
		}
	}
	want, known := cs.passwords[user]
	if subtle.ConstantTimeCompare([]byte(want), []byte(password)) != 1 || !known || len(stored) > 0 {
		return kerr.SaslAuthenticationFailed
	}
	return nil
}

// Credential describes a stored SCRAM credential.
type Credential struct {
	Mechanism  int8
	Iterations int32
}

// Stored returns the stored credentials by user, each user's by mechanism.
func (cs *Credentials) Stored() map[string][]Credential {
	out := map[string][]Credential{}
	for key, value := range cs.store.Bucket(rows.SCRAM) {
		var row scramRow
		name, user, _ := strings.Cut(key, "/")
		if json.Unmarshal(value, &row) != nil {
			continue
		}
		for number, mechanism := range mechanisms {
			if mechanism == name {
				out[user] = append(out[user], Credential{number, int32(row.Iterations)})
			}
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b Credential) int { return int(a.Mechanism) - int(b.Mechanism) })
	}
	return out
}

// Change collects alterations of the stored credentials.
type Change struct {
	cs     *Credentials
	commit storage.Commit
}

// Change returns an empty change.
func (cs *Credentials) Change() *Change { return &Change{cs: cs} }

// Delete removes a user's credential: RESOURCE_NOT_FOUND if there is none.
func (ch *Change) Delete(mechanism int8, user string) error {
	name, err := mechanismName(mechanism)
	if err != nil {
		return err
	}
	key := credentialKey(name, user)
	if _, ok := ch.cs.store.Get(rows.SCRAM, key); !ok {
		return kerr.ResourceNotFound
	}
	ch.commit.Delete(rows.SCRAM, key)
	return nil
}

// Put sets a user's credential from a salted password (RFC 5802, section 3).
func (ch *Change) Put(mechanism int8, user string, salt, saltedPassword []byte, iterations int32) error {
	name, err := mechanismName(mechanism)
	switch {
	case err != nil:
		return err
	case user == "" || len(salt) == 0 || len(saltedPassword) == 0:
		return kerr.UnacceptableCredential
	case iterations < minIterations || iterations > maxIterations:
		return fmt.Errorf("%w: %d iterations, want %d to %d", kerr.UnacceptableCredential, iterations, minIterations, maxIterations)
	}
	ch.commit.Put(rows.SCRAM, credentialKey(name, user), rows.Encode(newSCRAMRow(name, salt, saltedPassword, int(iterations))))
	return nil
}

// Commit makes the alterations durable, all or none.
func (ch *Change) Commit() error {
	if ch.commit.Empty() {
		return nil
	}
	return ch.cs.store.Do(&ch.commit)
}
