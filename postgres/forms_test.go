package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// In whatever form an address is given, and however it is wrong, no message
// holds its password, and each is one line.
func TestOpen_FormsOfAnAddress_NoMessageHoldsThePassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://u:hunter2@127.0.0.1:1/db",
		"postgresql://u:hunter2@127.0.0.1:1/db?sslmode=require",
		"postgres://127.0.0.1:1/db?user=u&password=hunter2",
		"postgres://u@/db?host=/no%20where&password=hunter2",
		"postgres://u:hunter2@127.0.0.1:1,127.0.0.1:2/db",
		"postgres://u:hunter2@127.0.0.1:99999/db",
		"postgres://u:hunter2@127.0.0.1:port/db",
		"postgres://u:hun%zzter2hunter2@127.0.0.1:1/db",
		"postgres://u:hunter2/hunter2@127.0.0.1:1/db",
		"postgres://u:hunter2#hunter2@127.0.0.1:1/db",
		"postgres://u:hunter2@hunter2@127.0.0.1:1/db",
		"postgres://u:hunter2@127.0.0.1:1/db?sslmode=hunter2",
		"postgres://u:hunter2@127.0.0.1:1/db?sslrootcert=/no/such.pem&sslmode=verify-full",
		"postgres://u:hunter2@127.0.0.1:1/db?connect_timeout=x",
		"postgres://u:hunter2@127.0.0.1:1/db?schema=pg_eyes",
		"postgres://u:hunter2@127.0.0.1:1/db?schema=a&search_path=b",
		"mysql://u:hunter2@127.0.0.1/db",
		"u:hunter2@127.0.0.1/db",
		"//u:hunter2@127.0.0.1:1/db",
		"host=127.0.0.1 port=1 user=u password=hunter2 dbname=db",
		"host=127.0.0.1 port=1 user=u password='hunter2",
		"host=127.0.0.1 port=hunter2 user=u password=hunter2",
		"password=hunter2",
		"hunter2",
		"postgres://u:hunter2@127.0.0.1:1/db\nx",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), address, postgres.Options{Timeout: 2 * time.Second})
			require.Error(t, err)
			require.True(t, usage.Is(err), err)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
			_, err = postgres.WithSchema(address, "eyes")
			if err != nil {
				require.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
}
