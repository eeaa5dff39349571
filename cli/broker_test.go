package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadUsers_LinesAndComments_NamesAndPasswords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"anna:pa:ss\n\n # staff\n ben:x\r\n", "\ufeffanna:pa:ss\nben:x", "\ufeff# staff\nanna:pa:ss\nben:x\n"} {
		path := filepath.Join(t.TempDir(), "users")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		users, err := readUsers(path)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"anna": "pa:ss", "ben": "x"}, users, "%q", text)
	}
}
