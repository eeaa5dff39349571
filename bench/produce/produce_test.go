package produce

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// small is a load of a moment on a broker of the test's own.
func small(t *testing.T, change ...func(*Config)) Config {
	t.Helper()
	c := Config{
		Kafka:     kafka.Config{Brokers: []string{brokertest.Start(t).Addr()}},
		Producers: 3, Partitions: 16, Size: 200, Acks: "all", Partitioner: "sticky", InFlight: 4, Rounds: 2,
		Duration: 100 * time.Millisecond, Disk: t.TempDir(),
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func TestRun_OpenLoop_EachDueRecordOnce(t *testing.T) {
	t.Parallel()
	o, err := Run(t.Context(), small(t, func(c *Config) { c.Rate, c.BrokerPID = 1000, os.Getpid() }))
	require.NoError(t, err)
	require.Len(t, o.Rounds, 2)
	for _, r := range o.Rounds {
		require.EqualValues(t, 100, r.Frames)
		require.EqualValues(t, 100, r.Histograms[Late].N())
		for _, name := range []string{Records, BrokerCPU, ClientCPU, OverSync50, OverSync99, Bandwidth, Batches, result.P99} {
			require.Positive(t, r.Values[name], name)
		}
		require.Len(t, r.Processes, 2)
	}
	require.EqualValues(t, 200, o.Total.Histograms[Acknowledged].N())
	require.Equal(t, result.Correctness{Sent: 316, Stored: 316}, o.Correct, "100 of the warm-up, and one a partition")
	require.Len(t, o.Floor, 3)
	require.Contains(t, o.Durability.Stated, "flush.messages")
}

func TestRun_ClosedLoop_EachWayOfSending_NoneMissing(t *testing.T) {
	t.Parallel()
	for acks := range map[string]bool{"all": true, "leader": true, "none": true} {
		for partitioner := range partitioners {
			t.Run(acks+" "+partitioner, func(t *testing.T) {
				t.Parallel()
				o, err := Run(t.Context(), small(t, func(c *Config) { c.Acks, c.Partitioner, c.Kafka.Compression = acks, partitioner, "lz4" }))
				require.NoError(t, err)
				require.True(t, o.Correct.OK())
				require.NotContains(t, o.Total.Histograms, Late)
			})
		}
	}
}

// The topic of a run goes with it.
func TestRun_Ended_TopicRemoved(t *testing.T) {
	t.Parallel()
	c := small(t)
	_, err := Run(t.Context(), c)
	require.NoError(t, err)
	cl, err := c.Kafka.Client()
	require.NoError(t, err)
	defer cl.Close()
	all, err := kadm.NewClient(cl).ListTopics(t.Context())
	require.NoError(t, err)
	require.Empty(t, all.Names())
}

// records returns how many records the brokers hold.
func records(t *testing.T, cfg kafka.Config) (n int64) {
	t.Helper()
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context())
	require.NoError(t, err)
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// A benchmark that is stopped in a round reports what was acknowledged by then.
func TestRun_StoppedInARound_KeepsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 2000} {
		ctx, stop := context.WithCancel(t.Context())
		c := small(t)
		c.Rate, c.Rounds, c.Duration = rate, 2, time.Hour
		c.Progress = func(what string) {
			if what != "round 1 of 2" {
				return
			}
			before := records(t, c.Kafka)
			go func() {
				for records(t, c.Kafka) == before { //nolint:revive // until one is acknowledged
				}
				stop()
			}()
		}
		o, err := Run(ctx, c)
		require.NoError(t, err)
		require.Len(t, o.Rounds, 1)
		require.Regexp(t, `^it was stopped after [0-9.]+ s of round 1 of 2$`, o.Cut)
		require.Positive(t, o.Rounds[0].Frames)
		require.True(t, o.Correct.OK(), "%+v", o.Correct)
		var text bytes.Buffer
		require.NoError(t, WriteText(&text, o))
		require.Contains(t, text.String(), "CUT SHORT: it was stopped after")
	}
}

func TestRun_StoppedInTheWarmUp_NoFigures(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	_, err := Run(ctx, small(t, func(c *Config) {
		c.Progress = func(what string) {
			if what == "warming up" {
				stop()
			}
		}
	}))
	require.ErrorContains(t, err, "stopped before the first record was measured")
}

// stallFS holds all syncs up, once armed, for so long from the first of them on.
type stallFS struct {
	storage.OSFS
	armed    atomic.Bool
	stall    time.Duration
	released atomic.Pointer[chan struct{}]
}

type stallFile struct {
	storage.File
	fs *stallFS
}

func (f *stallFS) OpenFile(name string, flag int) (storage.File, error) {
	file, err := f.OSFS.OpenFile(name, flag)
	return stallFile{file, f}, err
}

func (f stallFile) Datasync() error {
	if f.fs.armed.Load() {
		released := make(chan struct{})
		if f.fs.released.CompareAndSwap(nil, &released) {
			time.AfterFunc(f.fs.stall, func() { close(released) })
		}
		<-*f.fs.released.Load()
	}
	return f.File.Datasync()
}

// A disk that stalls delays each record that was due meanwhile, sent or not, and all of them
// show it.
func TestRun_StalledDisk_EveryRecordDueMeanwhileShowsIt(t *testing.T) {
	t.Parallel()
	const length, stall = 100 * time.Millisecond, 600 * time.Millisecond
	fs := &stallFS{stall: stall}
	b := brokertest.Start(t, func(c *broker.Config) { c.FS = fs })
	c := small(t, func(c *Config) {
		c.Kafka.Brokers, c.Rate, c.Rounds, c.Duration = []string{b.Addr()}, 1000, 1, length
		c.Progress = func(what string) { fs.armed.Store(what == "round 1 of 1") }
	})
	o, err := Run(t.Context(), c)
	require.NoError(t, err)
	require.EqualValues(t, 100, o.Total.Histograms[Acknowledged].N())
	require.Greater(t, o.Total.Histograms[Acknowledged].Min(), (stall-2*length).Seconds()*1000, "the last was due before the stall was half over")
}

// The check notices what a broker must not do.
func TestReader_TopicWithFaults_NoFigures(t *testing.T) {
	t.Parallel()
	rec := func(partition int32, producer int, n int64) *kgo.Record {
		return &kgo.Record{Partition: partition, Value: payloads{""}.value(producer, n)}
	}
	for name, c := range map[string]struct {
		topic []*kgo.Record
		says  string
	}{
		"whole":            {[]*kgo.Record{rec(0, 0, 0), rec(1, 0, 1), rec(0, 0, 2)}, ""},
		"other partitions": {[]*kgo.Record{rec(0, 0, 2), rec(1, 0, 0), rec(2, 0, 1)}, ""},
		"missing":          {[]*kgo.Record{rec(0, 0, 0), rec(0, 0, 2)}, "of 3 records sent the topic holds 2"},
		"twice":            {[]*kgo.Record{rec(0, 0, 0), rec(0, 0, 1), rec(0, 0, 1), rec(0, 0, 2)}, "1 of them twice"},
		"order":            {[]*kgo.Record{rec(0, 0, 1), rec(0, 0, 0), rec(0, 0, 2)}, "and 1 out of order"},
		"another's":        {[]*kgo.Record{rec(0, 1, 0)}, "did not send"},
		"text":             {[]*kgo.Record{{Value: []byte("x")}}, "did not send"},
		"beyond":           {[]*kgo.Record{rec(0, 0, 64)}, "did not send"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader{
				Correctness: &result.Correctness{Sent: 3}, read: make(map[int32]int64),
				seen: []seen{{records: make([]uint64, 1), last: make(map[int32]int64)}},
			}
			var err error
			for _, rec := range c.topic {
				if err = r.take(rec); err != nil {
					break
				}
			}
			if err == nil {
				err = check(*r.Correctness)
			}
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestPayloads_Size_AsAskedAndTheSameAgain(t *testing.T) {
	t.Parallel()
	for _, size := range []int{headerSize, 100, 5000} {
		v := newPayloads(size).value(7, 9)
		require.Len(t, v, size)
		require.Equal(t, v, newPayloads(size).value(7, 9))
		require.EqualValues(t, 7, binary.BigEndian.Uint32(v))
	}
}

func TestRun_ImpossibleLoad_UsageError(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*Config){
		`--acks "one" is not known; use one of all, leader, none`: func(c *Config) { c.Acks = "one" },
		`--partitioner "random" is not known`:                     func(c *Config) { c.Partitioner = "random" },
		"--producers 0; give 1 to 1000":                           func(c *Config) { c.Producers = 0 },
		"--partitions 20000; give 1 to 10000":                     func(c *Config) { c.Partitions = 20_000 },
		"--size 3; give 12 to 900000":                             func(c *Config) { c.Size = 3 },
		"--rate -1":                                               func(c *Config) { c.Rate = -1 },
		"--duration 0":                                            func(c *Config) { c.Duration = 0 },
		"the disk of /no/such/directory cannot be measured":       func(c *Config) { c.Disk = "/no/such/directory" },
		`compression "zip" is not known`:                          func(c *Config) { c.Kafka.Compression = "zip" },
		"cannot be used":                                          func(c *Config) { c.Kafka.Brokers = []string{testenv.FreeAddr(t)} },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			_, err := Run(t.Context(), small(t, change))
			require.True(t, usage.Is(err), "%v", err)
			require.ErrorContains(t, err, says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}
