package broker

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sightlog/sightlog/broker/internal/wire"
)

// registerGauges registers the metrics that are computed from the open broker.
func (b *Broker) registerGauges(reg prometheus.Registerer) {
	f := promauto.With(reg)
	gauge := func(name, help string, value func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: namespace + name, Help: help}, value)
	}
	gauge("log_bytes", "Bytes of all logs.", b.logBytes)
	gauge("storage_failed", "1 after the disk failed: writes are refused.", func() float64 { return oneIf(b.store.Failed() != nil) })
	gauge("storage_refusing", "1 while writes are refused: the disk is full, or it failed.",
		func() float64 { return oneIf(b.store.Refusing() != nil) })
	gauge("held_partitions", "Partitions that refuse writes: a group of their retention.hold.groups has not read what would have to be removed.",
		func() float64 { return float64(len(b.fullOfHeld())) })
	gauge("request_memory_bytes", "Memory held by requests that are read and served.", func() float64 { return usedBytes(b.requests) })
	gauge("response_memory_bytes", "Memory held by responses with records.", func() float64 { return usedBytes(b.responses) })
}

func oneIf(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}

func usedBytes(b *wire.Budget) float64 {
	bytes, _ := b.Usage()
	return float64(bytes)
}

func (b *Broker) logBytes() (n float64) {
	for _, t := range b.topics.all() {
		for _, p := range t.partitions() {
			n += float64(p.log.Size())
		}
	}
	return n
}
