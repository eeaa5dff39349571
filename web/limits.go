package web

import (
	"cmp"
	"time"
)

// Limits bound what clients can take.
type Limits struct {
	Body               int64         // of a request
	Header, Read       time.Duration // to receive the header, and all of a request
	Write, Idle        time.Duration // of a response, or of one write of a stream; between two requests
	HeaderBytes        int
	Conns, ConnsOfAddr int           // connections
	StreamsOfClient    int           // open streams of a user or address
	Recheck            time.Duration // how often a stream's client is looked at again
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Body: cmp.Or(l.Body, 1<<20), Header: cmp.Or(l.Header, 5*time.Second), Read: cmp.Or(l.Read, 30*time.Second),
		Write: cmp.Or(l.Write, time.Minute), Idle: cmp.Or(l.Idle, time.Minute), HeaderBytes: cmp.Or(l.HeaderBytes, 32<<10),
		Conns: cmp.Or(l.Conns, 512), ConnsOfAddr: cmp.Or(l.ConnsOfAddr, 64), StreamsOfClient: cmp.Or(l.StreamsOfClient, 64),
		Recheck: cmp.Or(l.Recheck, 2*time.Second),
	}
}
