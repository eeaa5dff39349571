package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/postgres"
)

// Broker, three sinks and detect are killed, stopped for longer than a session
// lasts, run out of disk and out of database, and have their log and their
// tables replaced by older ones. In the end the tables hold what the topic
// holds, each sighting once, and all that was acknowledged is there but for what
// a replaced log took with it.
//
// SIGHTLOG_CYCLES asks for more rounds of everything than one, SIGHTLOG_SEED for
// the schedule of an earlier test.
func TestChaos_EverythingFails_TablesHoldTheTopic(t *testing.T) {
	rounds, seed := int(envNumber("SIGHTLOG_CYCLES", 1)), uint64(envNumber("SIGHTLOG_SEED", time.Now().UnixNano()))
	t.Logf("SIGHTLOG_SEED=%d SIGHTLOG_CYCLES=%d", seed, rounds)
	rng := rand.New(rand.NewPCG(seed, 0))
	frames := 300 * rounds
	r := newRig(t,
		fmt.Sprintf("gate=test://people?size=160x120&fps=8&people=1&frames=%d", frames),
		fmt.Sprintf("yard=test://people?size=160x120&fps=5&people=2&frames=%d", frames/2))
	r.await(50)
	for range rounds {
		steps := r.steps(rng)
		rng.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		r.copyLog()
		r.dumpTables()
		for _, s := range steps {
			r.letPass(time.Duration(200+rng.IntN(1500)) * time.Millisecond)
			r.Logf("%s", s.name)
			s.do()
			r.note()
		}
	}
	r.finish()
}

func envNumber(name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(os.Getenv(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

type step struct {
	name string
	do   func()
}

// steps are one round of what can happen. What is random in it is drawn now, so
// that a seed is a schedule.
func (r *rig) steps(rng *rand.Rand) []step {
	a, b, c := rng.IntN(3), rng.IntN(3), rng.IntN(3)
	pause, dies := time.Duration(rng.IntN(1000))*time.Millisecond, rng.IntN(2) == 0
	return []step{
		{"the broker is killed", func() {
			r.broker.kill()
			time.Sleep(pause)
			r.startBroker(r.listen)
		}},
		{fmt.Sprintf("sink %d is killed", a), func() { restart(r.sinks[a], func() { r.startSink(a) }) }},
		{fmt.Sprintf("sink %d is stopped for longer than its session", b), func() { r.freeze(r.sinks[b], 7*time.Second) }},
		{"detect is killed", func() { restart(r.detect, func() { r.startDetect("as-recorded") }) }},
		{"PostgreSQL is restarted immediately", func() {
			if pid := postmaster(r, r.url); pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGQUIT)
			}
			r.letPass(pause)
		}},
		{fmt.Sprintf("the disk is full; the broker is killed: %v", dies), func() { r.fillDisk(pause, dies) }},
		{"the log is restored from an older copy", func() { r.restoreLog(c) }},
		{"the tables are restored from an older dump", r.restoreTables},
	}
}

// await waits until the topic holds n records.
func (r *rig) await(n int64) {
	r.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.listen))
	require.NoError(r, err)
	defer cl.Close()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); r.letPass(50 * time.Millisecond) {
		var held int64
		ends, err := kadm.NewClient(cl).ListCommittedOffsets(r.Context(), kafka.Sightings)
		ends.Each(func(o kadm.ListedOffset) { held += max(0, o.Offset) })
		if err == nil && held >= n {
			return
		}
	}
	require.FailNow(r, "nothing comes", "%s", r.detect.output)
}

// ends returns where the partitions that hold anything end.
func (r *rig) ends(cl *kgo.Client) map[int32]int64 {
	r.Helper()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(r.Context(), kafka.Sightings)
	require.NoError(r, err)
	require.NoError(r, ends.Error())
	at := make(map[int32]int64)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			at[o.Partition] = o.Offset
		}
	})
	return at
}

// copyLog copies the broker's directory as a crash leaves it.
func (r *rig) copyLog() {
	r.Helper()
	r.broker.kill()
	r.copies = filepath.Join(r.TempDir(), "copy")
	require.NoError(r, os.CopyFS(r.copies, os.DirFS(r.data())))
	r.startBroker(r.listen)
}

// restoreLog puts the copy back. What the log held since is lost: it is read
// where nobody else reads or writes. The sink that is told what to do about it
// is started anew.
func (r *rig) restoreLog(told int) {
	r.Helper()
	r.broker.kill()
	aside := testenv.FreeAddr(r)
	r.startBroker(aside)
	for _, id := range r.topic(aside) {
		r.lost[id] = true
	}
	r.broker.kill()
	require.NoError(r, os.RemoveAll(r.data()))
	require.NoError(r, os.CopyFS(r.data(), os.DirFS(r.copies)))
	r.startBroker(r.listen)
	restart(r.sinks[told], func() { r.startSink(told, "--from", "earliest") })
}

func (r *rig) dumpTables() {
	r.Helper()
	r.dump = filepath.Join(r.TempDir(), "dump")
	r.sql(r.url, func(conn *pgx.Conn) error { return conn.Ping(r.Context()) }) // the server may be starting
	r.must(r.program("pg_dump"), "-Fc", "-f", r.dump, r.url)
}

// restoreTables makes the database again from the dump, under the sinks' feet.
func (r *rig) restoreTables() {
	r.Helper()
	r.sql(r.super, func(conn *pgx.Conn) error {
		for _, sql := range []string{"DROP DATABASE IF EXISTS %s WITH (FORCE)", "CREATE DATABASE %s OWNER " + postgres.Role + " TEMPLATE template0", "ALTER DATABASE %s CONNECTION LIMIT 0"} {
			if _, err := conn.Exec(r.Context(), fmt.Sprintf(sql, postgres.Database)); err != nil {
				return err
			}
		}
		return nil
	})
	u, err := url.Parse(r.super)
	require.NoError(r, err)
	r.must(r.program("pg_restore"), "-d", strings.Replace(u.String(), "/postgres?", "/"+postgres.Database+"?", 1), r.dump)
	r.sql(r.super, func(conn *pgx.Conn) error {
		_, err := conn.Exec(r.Context(), "ALTER DATABASE "+postgres.Database+" CONNECTION LIMIT -1")
		return err
	})
}

// fillDisk leaves the broker no room for a while, in which it may also be killed
// and started.
func (r *rig) fillDisk(pause time.Duration, dies bool) {
	r.Helper()
	if !r.full {
		r.Log("SKIPPED: the disk cannot be filled")
		return
	}
	free := testenv.FillDisk(r, r.disk)
	if dies {
		restart(r.broker, func() { r.startBroker(r.listen) })
	}
	r.letPass(time.Second + pause)
	free()
}
