package pgtest

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/postgres"
)

// ExtensionEnv names an extension that the clusters load at their start and that is created
// in every database, so that the tests of a package run beside it: those of make test-timescale.
const ExtensionEnv = "SIGHTLOG_TEST_EXTENSION"

var extension = os.Getenv(ExtensionEnv)

// preload starts the cluster again with the extension's library.
func preload(ctx context.Context, p *postgres.Private, dir string) (*postgres.Private, error) {
	conn, err := pgx.Connect(ctx, p.SuperURL())
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "ALTER SYSTEM SET shared_preload_libraries = "+pgx.Identifier{extension}.Sanitize())
	conn.Close(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.Stop(ctx); err != nil {
		return nil, err
	}
	return postgres.StartPrivate(ctx, dir, nil)
}

// extend creates the extension in the database of the superuser's address.
func extend(ctx context.Context, url string) error {
	if extension == "" {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS "+pgx.Identifier{extension}.Sanitize())
	return err
}
