package auth

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sightlog/sightlog/broker/storage"
)

func credentials(t *testing.T) *Credentials {
	t.Helper()
	s, err := storage.Open(t.TempDir(), storage.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return NewCredentials(s, map[string]string{"ann": "secret"})
}

func TestSession_PlainTokens_UserOrRefused(t *testing.T) {
	t.Parallel()
	cs := credentials(t)
	for token, user := range map[string]string{
		"\x00ann\x00secret": "ann", "ann\x00ann\x00secret": "ann",
		"\x00ann\x00wrong": "", "\x00bob\x00": "", "bob\x00ann\x00secret": "", "ann": "",
	} {
		var s Session
		require.NoError(t, s.Begin("PLAIN"))
		_, err := s.Step(cs, []byte(token))
		if user == "" {
			require.ErrorIs(t, err, kerr.SaslAuthenticationFailed, "%q", token)
			require.False(t, s.Done())
			require.False(t, s.Begun(), "a new handshake is due")
			require.Equal(t, "ANONYMOUS", s.User())
			continue
		}
		require.NoError(t, err, "%q", token)
		require.True(t, s.Done())
		require.Equal(t, user, s.User())
		require.ErrorIs(t, s.Begin("PLAIN"), kerr.IllegalSaslState)
	}
	require.ErrorIs(t, new(Session).Begin("GSSAPI"), kerr.UnsupportedSaslMechanism)
}

// proof is the client's side of RFC 5802, section 3.
func proof(t *testing.T, password, first, server, final string) string {
	t.Helper()
	salt, err := base64.StdEncoding.DecodeString(attribute(server, 's'))
	require.NoError(t, err)
	iterations, err := strconv.Atoi(attribute(server, 'i'))
	require.NoError(t, err)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	require.NoError(t, err)
	key := hmacOf(sha256.New, salted, "Client Key")
	stored := sha256.Sum256(key)
	subtle.XORBytes(key, key, hmacOf(sha256.New, stored[:], first+","+server+","+final))
	return base64.StdEncoding.EncodeToString(key)
}

func TestSession_SCRAM_UserOrRefused(t *testing.T) {
	t.Parallel()
	cs := credentials(t)
	for name, c := range map[string]struct {
		password string
		nonce    func(server string) string
		want     bool
	}{
		"right password":       {"secret", func(n string) string { return n }, true},
		"wrong password":       {"wrong", func(n string) string { return n }, false},
		"nonce of another":     {"secret", func(string) string { return "cnonce" + strings.Repeat("x", 52) }, false},
		"client's nonce twice": {"secret", func(n string) string { return "cnonce" + n }, true}, // as librdkafka did
	} {
		var s Session
		require.NoError(t, s.Begin("SCRAM-SHA-256"))
		const first = "n=ann,r=cnonce"
		server, err := s.Step(cs, []byte("n,,"+first))
		require.NoError(t, err, name)
		final := "c=biws,r=" + c.nonce(attribute(string(server), 'r'))
		answer, err := s.Step(cs, []byte(final+",p="+proof(t, c.password, first, string(server), final)))
		if !c.want {
			require.ErrorIs(t, err, kerr.SaslAuthenticationFailed, name)
			require.False(t, s.Done(), name)
			continue
		}
		require.NoError(t, err, name)
		require.True(t, strings.HasPrefix(string(answer), "v="), name)
		require.Equal(t, "ann", s.User(), name)
	}
	var s Session
	require.NoError(t, s.Begin("SCRAM-SHA-256"))
	_, err := s.Step(cs, []byte("n,,n=nobody,r=cnonce"))
	require.ErrorIs(t, err, kerr.SaslAuthenticationFailed)
}

// store gives a user a password as AlterUserSCRAMCredentials does.
func store(t *testing.T, cs *Credentials, number int8, user, password string) {
	t.Helper()
	h := scramHash(mechanisms[number])
	salt := []byte("salt")
	salted, err := pbkdf2.Key(h, password, salt, minIterations, h().Size())
	require.NoError(t, err)
	change := cs.Change()
	require.NoError(t, change.Put(number, user, salt, salted, minIterations))
	require.NoError(t, change.Commit())
}

func plain(cs *Credentials, user, password string) error {
	var s Session
	if err := s.Begin("PLAIN"); err != nil {
		return err
	}
	_, err := s.Step(cs, []byte("\x00"+user+"\x00"+password))
	return err
}

func TestCredentials_PasswordReplaced_OldOneRefusedByEveryMechanism(t *testing.T) {
	t.Parallel()
	for number, other := range map[int8]string{1: scramSHA512, 2: scramSHA256} {
		cs := credentials(t)
		require.NoError(t, plain(cs, "ann", "secret"))
		store(t, cs, number, "ann", "changed")
		require.ErrorIs(t, plain(cs, "ann", "secret"), kerr.SaslAuthenticationFailed, "the configuration's")
		require.NoError(t, plain(cs, "ann", "changed"))
		_, err := cs.lookup(other, "ann")
		require.ErrorIs(t, err, kerr.SaslAuthenticationFailed, "it would be derived from the configuration's")

		change := cs.Change()
		require.NoError(t, change.Delete(number, "ann"))
		require.NoError(t, change.Commit())
		require.NoError(t, plain(cs, "ann", "secret"))
		require.ErrorIs(t, plain(cs, "ann", "changed"), kerr.SaslAuthenticationFailed)
	}
}

func TestCredentials_StoredUser_PlainTakesThePassword(t *testing.T) {
	t.Parallel()
	cs := credentials(t)
	store(t, cs, 1, "cam", "pw")
	require.NoError(t, plain(cs, "cam", "pw"))
	for _, wrong := range []string{"", "secret"} {
		require.ErrorIs(t, plain(cs, "cam", wrong), kerr.SaslAuthenticationFailed, "%q", wrong)
	}
}
