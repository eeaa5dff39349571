package produce

import (
	"fmt"
	"os"
	"time"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
)

// Names of the histograms.
const (
	Acknowledged = "due→acknowledged" // in a closed loop a record is due when it is sent
	Late         = "due→sent"         // how late the producers were, in an open loop
	Sync         = "fdatasync"        // of as many bytes as a batch has, on the same disk
	Write        = "fdatasync of 1 MiB"
)

// Names of the values.
const (
	Records    = "records_per_second"
	Megabytes  = "megabytes_per_second" // of values, before compression
	Batches    = "batches_per_record"
	BrokerCPU  = "cpu_broker_us_per_record"
	ClientCPU  = "cpu_client_us_per_record"
	LateP99    = "late_p99_ms"
	OverSync50 = "p50_over_fdatasync" // the latency's median over that of a bare write and sync
	OverSync99 = "p99_over_fdatasync"
	Bandwidth  = "disk_over_megabytes" // the disk's megabytes a second, 1 MiB a sync, over those of the values
)

// used is what both sides have used so far.
type used struct {
	client, broker     result.Process
	clientCPU, servers time.Duration
}

func (r *run) usage() (u used, err error) {
	if u.client, err = service.Usage("client", os.Getpid()); err != nil {
		return u, err
	}
	if u.clientCPU, err = service.Time(os.Getpid()); err != nil || r.BrokerPID == 0 {
		return u, err
	}
	if u.broker, err = service.Usage("broker", r.BrokerPID); err != nil {
		return u, err
	}
	u.servers, err = service.Time(r.BrokerPID)
	return u, err
}

func processes(before, after used) []result.Process {
	all := []result.Process{service.Since(before.client, after.client)}
	if after.broker.PID != 0 {
		all = append(all, service.Since(before.broker, after.broker))
	}
	return all
}

// values returns the figures of a round.
func (r *run) values(took time.Duration, latency *result.Histogram, before, after used) map[string]float64 {
	n := float64(latency.N())
	v := map[string]float64{
		Records:    n / took.Seconds(),
		Megabytes:  n * float64(r.Size) / 1e6 / took.Seconds(),
		Batches:    float64(r.batches.batches.Load()) / n,
		ClientCPU:  (after.clientCPU - before.clientCPU).Seconds() * 1e6 / n,
		result.P50: latency.Quantile(.5),
		result.P99: latency.Quantile(.99),
	}
	if r.BrokerPID != 0 {
		v[BrokerCPU] = (after.servers - before.servers).Seconds() * 1e6 / n
	}
	return v
}

// compare sets a round's figures against those of the disk before it and after it. The
// disk's histograms of both belong to the round if it is the first, else those after it.
func (r *run) compare(round *result.Round, before, after measured, first bool) {
	sync, write := result.NewHistogram(), result.NewHistogram()
	for _, m := range []measured{before, after} {
		sync.Merge(m.sync)
		write.Merge(m.write)
	}
	round.Values[OverSync50] = over(round.Values[result.P50], sync.Quantile(.5))
	round.Values[OverSync99] = over(round.Values[result.P99], sync.Quantile(.99))
	round.Values[Bandwidth] = over(bandwidth(write), round.Values[Megabytes])
	if !first {
		sync, write = after.sync, after.write
	}
	round.Histograms[Sync], round.Histograms[Write] = sync, write
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// bandwidth is that of writes of writeSize with a sync each, in megabytes a second.
func bandwidth(write *result.Histogram) float64 { return over(writeSize/1e3, write.Mean()) }

// finish adds up the rounds and names the physical limits.
func (r *run) finish() {
	r.report.Sum()
	all := r.report.Total.Histograms
	name := fmt.Sprintf("write and fdatasync of %d bytes, a batch", r.batchSize)
	r.report.Floor = []result.Reference{
		{Name: name + ", p50", Value: all[Sync].Quantile(.5) * 1000, Unit: "µs"},
		{Name: name + ", p99", Value: all[Sync].Quantile(.99) * 1000, Unit: "µs"},
		{Name: "write and fdatasync of 1 MiB", Value: bandwidth(all[Write]), Unit: "MB/s"},
	}
}
