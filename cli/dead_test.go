package cli

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/kafka"
)

func TestDead_RecordRefusedByTheDatabase_RetryStoresItOnce(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func(testing.TB) *deadWorld{
		"data directory": newDeadWorld,
		"test double":    newFakeDeadWorld,
		"Apache Kafka":   newKafkaDeadWorld,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRetryOnce(world(t))
		})
	}
}

func testRetryOnce(w *deadWorld) {
	w.Helper()
	require.Empty(w, w.list())
	code, stdout, stderr := w.dead("list")
	require.Equal(w, []any{0, "", "there are no dead letters\n"}, []any{code, stdout, stderr})

	w.exec("ALTER TABLE sightings ADD CONSTRAINT no_three CHECK (seq NOT IN (3, 4))")
	for seq := range int64(6) {
		w.produce(frame(w, seq))
	}
	w.drain()
	require.Equal(w, 4, w.number("SELECT count(*) FROM sightings"))
	rows := w.list()
	require.Len(w, rows, 2)
	value := frame(w, 3).Value
	require.Equal(w, listed{Written: rows[0].Written, Key: "sightings/0/3", Camera: "porch", Kept: "whole", Bytes: len(value), Reason: rows[0].Reason}, rows[0])
	require.Contains(w, rows[0].Reason, "no_three")
	code, stdout, stderr = w.dead("show", "sightings/0/3")
	require.Zero(w, code, stderr)
	for _, text := range []string{"no_three", "record key  porch\n", "header      note: of the producer\n", "retry       possible\n", "  \"seq\": 3,\n"} {
		require.Contains(w, stdout, text)
	}
	_, stdout, _ = w.dead("show", "sightings/0/3", "--raw")
	require.Equal(w, string(value), stdout)

	// The reason is still there: the record is refused again, as a new dead letter.
	code, stdout, stderr = w.dead("retry", "sightings/0/3")
	require.Zero(w, code, stderr)
	require.Contains(w, stdout, "1 record produced again")
	w.drain()
	require.Equal(w, []string{"sightings/0/4", "sightings/0/6"}, w.keys())

	w.exec("ALTER TABLE sightings DROP CONSTRAINT no_three")
	w.produce(frame(w, 4)) // a retry that was killed before it marked its dead letter
	w.drain()
	code, stdout, stderr = w.dead("retry", "--reason", "NO_three")
	require.Zero(w, code, stderr)
	require.Contains(w, stdout, "2 records produced again")
	require.Empty(w, w.list())
	w.drain()
	require.Empty(w, w.list(), "the sink recognises the repetition")
	require.Equal(w, 6, w.number("SELECT count(*) FROM sightings"))
	require.Equal(w, 6, w.number("SELECT count(*) FROM detections"))

	code, _, stderr = w.dead("retry", "sightings/0/6") // twice
	require.Equal(w, 2, code)
	require.Contains(w, stderr, "sightings/0/6 is no dead letter, or has been retried or dropped; sightlogd dead list shows")
	code, stdout, stderr = w.dead("retry", "--all")
	require.Equal(w, []any{0, "", "there are no dead letters\n"}, []any{code, stdout, stderr})
}

// spoiler makes batches that cannot be decompressed.
type spoiler struct{}

func (spoiler) Compress(*bytes.Buffer, []byte, ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	return []byte("this is no zstd"), kgo.CodecZstd
}

func TestDeadRetry_CutRecordOrBatch_IsRefusedAndTheOthersProduced(t *testing.T) {
	t.Parallel()
	w := newFakeDeadWorld(t) // it takes a batch that does not decompress
	w.produceWith(&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: make([]byte, 1000)}, kgo.WithCompressor(spoiler{}))
	random := make([]byte, 1_048_401)        // the largest that a batch of its own takes
	rand.NewChaCha8([32]byte{}).Read(random) //nolint:errcheck // it always fills the slice
	w.produceWith(&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: random},
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(64<<20))
	w.drain()
	rows := w.list()
	require.Len(t, rows, 2)
	require.Equal(t, []string{"batch", "cut"}, []string{rows[0].Kept, rows[1].Kept})
	require.Equal(t, len(random), rows[1].Bytes)
	require.Equal(t, "porch", rows[1].Camera)

	for key, why := range map[string]string{"sightings/0/0": "it is a batch that cannot be read", "sightings/0/1": "of its 1048401 bytes are kept"} {
		code, stdout, stderr := w.dead("retry", key)
		require.Equal(t, 2, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, key+" cannot be retried: ")
		require.Contains(t, stderr, why)
		require.NotContains(t, stderr, "\n")
		_, stdout, _ = w.dead("show", key)
		require.Contains(t, stdout, why)
		require.Contains(t, stdout, "00000000  ")
	}
	code, _, stderr := w.dead("retry", "--all")
	require.Equal(t, 2, code, "there is none that can be retried: %s", stderr)

	w.produce(junk(kafka.Sightings, "porch", "x"))
	w.drain()
	code, _, stderr = w.dead("retry", "sightings/0/2", "sightings/0/1")
	require.Equal(t, 2, code, "nothing is produced: %s", stderr)
	require.Len(t, w.keys(), 3)
	code, stdout, stderr := w.dead("retry", "--all")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "1 record produced again")
	require.Contains(t, stderr, "2 dead letters left: sightings/0/0 cannot be retried")
	w.drain()
	require.Equal(t, []string{"sightings/0/0", "sightings/0/1", "sightings/0/3"}, w.keys(), "it is refused again")
	code, stdout, stderr = w.dead("drop", "--yes", "sightings/0/0", "sightings/0/1")
	require.Equal(t, []any{0, "2 dead letters dropped\n"}, []any{code, stdout}, stderr)
	require.Equal(t, []string{"sightings/0/3"}, w.keys())
}

func TestDeadList_Filters_ChooseByTopicReasonAndTime(t *testing.T) {
	t.Parallel()
	w := newDeadWorld(t)
	w.produce(junk(kafka.Sightings, "porch", "{not json"), junk(kafka.Sightings, "yard", `{"camera":"Not A Camera"}`),
		junk(kafka.Crossings, "porch", "x"), junk(kafka.Runs, "r1", `{"camera":"gate"}`))
	w.drain()
	middle := time.Now()
	w.await("the clock", func() bool { return time.Since(middle) > 20*time.Millisecond })
	w.produce(junk(kafka.Sightings, "porch", "{not json, too"))
	w.drain()

	require.Len(t, w.keys(), 5)
	require.Equal(t, "sightings/0/2", w.keys()[4], "the newest is the last")
	cameras := make(map[string]string)
	for _, row := range w.list() {
		cameras[row.Key] = row.Camera
	}
	require.Equal(t, map[string]string{"sightings/0/0": "porch", "sightings/0/1": "yard", "sightings/0/2": "porch", "crossings/0/0": "porch", "runs/0/0": "gate"}, cameras)
	require.Equal(t, []string{"runs/0/0"}, w.keys("--topic", "runs"))
	between := middle.Add(10 * time.Millisecond).UTC().Format(time.RFC3339Nano)
	require.Equal(t, []string{"sightings/0/2"}, w.keys("--since", between))
	require.Len(t, w.keys("--until", between), 4)
	require.Equal(t, []string{"sightings/0/0", "sightings/0/2"}, w.keys("--topic", "sightings", "--reason", "INVALID character"))
	_, stdout, stderr := w.dead("list", "--reason", "no such text")
	require.Equal(t, []string{"", "no dead letter matches; without a filter there are 5\n"}, []string{stdout, stderr})

	_, stdout, _ = w.dead("list", "--topic", "sightings", "--by", "reason", "--format", "csv")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 3, stdout)
	require.Equal(t, "reason,dead_letters,first,last,key", lines[0])
	require.Contains(t, lines[1], ",2,")
	require.True(t, strings.HasSuffix(lines[1], ",sightings/0/2"), stdout)
	code, stdout, _ := w.dead("list")
	require.Zero(t, code)
	require.True(t, strings.HasPrefix(stdout, "written "), stdout)
	require.Equal(t, 6, strings.Count(stdout, "\n"))
}

func TestDead_WrongRequest_OneLineAndExitCode2(t *testing.T) {
	t.Parallel()
	w := newDeadWorld(t)
	w.produce(junk(kafka.Sightings, "porch", "x"))
	w.drain()
	for line, want := range map[string]string{
		"show sightings/0/7":                      "sightings/0/7 is no dead letter, or has been retried or dropped; sightlogd dead list shows",
		"show sightings":                          `"sightings" is no key of a dead letter; write topic/partition/offset, as sightlogd dead list does`,
		"show readings/0/0":                       `"readings/0/0" is no key of a dead letter`,
		"retry":                                   "no dead letters are chosen; give their keys",
		"retry sightings/0/0 sightings/0/8":       "sightings/0/8 is no dead letter",
		"retry sightings/0/0 --all":               "exclude each other",
		"retry --all --reason x":                  "exclude each other",
		"drop --yes":                              "no dead letters are chosen",
		"drop --all":                              "add --yes",
		"drop sightings/0/0":                      "add --yes",
		"list --topic readings":                   "--topic",
		"list --by camera":                        "--by",
		"list --since now --until 1h":             "is not before --until",
		"list --since soon":                       "is not a time",
		"retry --reason x --since now --until 1h": "is not before --until",
	} {
		code, stdout, stderr := w.dead(strings.Fields(line)...)
		require.Equal(t, 2, code, "%s: %s", line, stderr)
		require.Contains(t, stderr, want, line)
		require.NotContains(t, stderr, "\n", line)
		require.Empty(t, stdout, line)
	}
	require.Equal(t, []string{"sightings/0/0"}, w.keys())

	w.at = []string{"--data", filepath.Join(t.TempDir(), "none")}
	code, _, stderr := w.dead("list")
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "nothing runs on it; give --brokers")
}

func TestDeadDrop_OnATerminal_AsksFirst(t *testing.T) {
	t.Parallel()
	w := newDeadWorld(t)
	w.produce(junk(kafka.Sightings, "porch", "x"))
	w.drain()
	for _, answer := range []string{"\n", "n\n", "yes, but\n"} {
		code, stdout, stderr := w.deadWith(terminal(t, answer), "drop", "--all")
		require.Equal(t, []any{0, ""}, []any{code, stdout})
		require.Equal(t, "Drop 1 dead letter, from sightings/0/0 to sightings/0/0, for good? [y/N] nothing was dropped\n", stderr)
		require.Len(t, w.keys(), 1)
	}
	null, err := os.Open(os.DevNull) // a character device, as a terminal is
	require.NoError(t, err)
	defer null.Close()
	code, _, stderr := w.deadWith(null, "drop", "--all")
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "add --yes")
	require.Len(t, w.keys(), 1)

	code, stdout, _ := w.deadWith(terminal(t, "Y\n"), "drop", "--all")
	require.Equal(t, []any{0, "1 dead letter dropped\n"}, []any{code, stdout})
	require.Empty(t, w.list())
}

// terminal returns a terminal on which a user types text.
func terminal(t testing.TB, text string) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { slave.Close() })
	_, err = master.WriteString(text)
	require.NoError(t, err)
	return slave
}

func TestKindOfReason_SameFault_SameKind(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		`decode sighting "porch/r1/7": seq is -3`: `decode sighting …: seq is -…`,
		`ERROR: new row for relation "sightings_20261126" violates check constraint "no_three" (SQLSTATE 23514)`: `ERROR: new row for relation … violates check constraint "no_three" (SQLSTATE 23514)`,
		"first\nsecond": "first",
	} {
		require.Equal(t, want, kindOfReason(reason))
	}
}
