package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// SCRAM's mechanisms (RFC 5802).
const (
	scramSHA256 = "SCRAM-SHA-256"
	scramSHA512 = "SCRAM-SHA-512"
)

// scramRow is a user's SCRAM credential in the store. A password can be checked with
// it, and not be computed from it.
type scramRow struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"stored_key"`
	ServerKey  []byte `json:"server_key"`
}

// SCRAM's bounds, as in Kafka.
const (
	minIterations = 4096
	maxIterations = 16384
)

func scramHash(mechanism string) func() hash.Hash {
	if mechanism == scramSHA512 {
		return sha512.New
	}
	return sha256.New
}

// newSCRAMRow derives the credential from a salted password (RFC 5802, section 3).
func newSCRAMRow(mechanism string, salt, saltedPassword []byte, iterations int) scramRow {
	h := scramHash(mechanism)
	stored := h()
	stored.Write(hmacOf(h, saltedPassword, "Client Key"))
	return scramRow{slices.Clone(salt), iterations, stored.Sum(nil), hmacOf(h, saltedPassword, "Server Key")}
}

// scramFromPassword derives a credential with a random salt from a password.
func scramFromPassword(mechanism, password string) (scramRow, error) {
	return saltedRow(mechanism, password, []byte(rand.Text()), minIterations)
}

func saltedRow(mechanism, password string, salt []byte, iterations int) (scramRow, error) {
	h := scramHash(mechanism)
	salted, err := pbkdf2.Key(h, password, salt, iterations, h().Size())
	if err != nil {
		return scramRow{}, fmt.Errorf("derive key: %w", err)
	}
	return newSCRAMRow(mechanism, salt, salted, iterations), nil
}

// matches reports whether the credential is the password's.
func (r scramRow) matches(mechanism, password string) (bool, error) {
	given, err := saltedRow(mechanism, password, r.Salt, r.Iterations)
	return err == nil && subtle.ConstantTimeCompare(given.StoredKey, r.StoredKey) == 1, err
}

func hmacOf(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// scramExchange is the server's side of one SCRAM conversation (RFC 5802),
// without channel binding.
type scramExchange struct {
	mechanism string
	lookup    func(mechanism, user string) (scramRow, error)

	user        string
	row         scramRow
	serverNonce string
	begun       string // client-first-message-bare and server-first-message
	done        bool
}

// step takes the client's message and returns the answer.
func (x *scramExchange) step(in string) (out string, err error) {
	if x.begun == "" {
		return x.first(in)
	}
	return x.final(in)
}

// first takes the first message: "n,,n=USER,r=NONCE" is answered "r=NONCES,s=SALT,i=ITERATIONS".
func (x *scramExchange) first(in string) (string, error) {
	parts := strings.SplitN(in, ",", 3)
	if len(parts) != 3 || parts[0] != "n" && parts[0] != "y" {
		return "", kerr.SaslAuthenticationFailed
	}
	bare := parts[2]
	name, clientNonce := attribute(bare, 'n'), attribute(bare, 'r')
	if name == "" || clientNonce == "" {
		return "", kerr.SaslAuthenticationFailed
	}
	x.user = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
	var err error
	if x.row, err = x.lookup(x.mechanism, x.user); err != nil {
		return "", err
	}
	x.serverNonce = rand.Text() + rand.Text()
	out := "r=" + clientNonce + x.serverNonce + ",s=" + base64.StdEncoding.EncodeToString(x.row.Salt) + ",i=" + strconv.Itoa(x.row.Iterations)
	x.begun = bare + "," + out
	return out, nil
}

// final takes the last message: "c=BINDING,r=NONCES,p=PROOF" is answered "v=SIGNATURE".
//
// Only the server's nonce is checked, at the end of the client's, as in Kafka:
// librdkafka before 2.6.1 sends the client's nonce twice. The proof covers the nonces
// as they were sent.
func (x *scramExchange) final(in string) (string, error) {
	i := strings.LastIndex(in, ",p=")
	if i < 0 || !strings.HasSuffix(attribute(in[:i], 'r'), x.serverNonce) {
		return "", kerr.SaslAuthenticationFailed
	}
	proof, err := base64.StdEncoding.DecodeString(in[i+3:])
	h := scramHash(x.mechanism)
	if err != nil || len(proof) != h().Size() {
		return "", kerr.SaslAuthenticationFailed
	}
	message := x.begun + "," + in[:i]
	signature := hmacOf(h, x.row.StoredKey, message)
	subtle.XORBytes(proof, proof, signature)
	key := h()
	key.Write(proof)
	if subtle.ConstantTimeCompare(key.Sum(nil), x.row.StoredKey) != 1 {
		return "", kerr.SaslAuthenticationFailed
	}
	x.done = true
	return "v=" + base64.StdEncoding.EncodeToString(hmacOf(h, x.row.ServerKey, message)), nil
}

// attribute returns the value of the attribute with the name, or "" if it is missing.
func attribute(message string, name byte) string {
	for part := range strings.SplitSeq(message, ",") {
		if len(part) > 2 && part[0] == name && part[1] == '=' {
			return part[2:]
		}
	}
	return ""
}
