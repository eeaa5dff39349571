package broker

import (
	"errors"

	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// producerReply answers with the producer when wait has returned, or at once with
// err.
func producerReply(p txn.Producer, wait func() error, err error, answer func(txn.Producer, error) kmsg.Response) reply {
	if err != nil {
		return immediate(answer(txn.NoProducer, err))
	}
	return func() kmsg.Response {
		if err := wait(); err != nil {
			return answer(txn.NoProducer, err)
		}
		return answer(p, nil)
	}
}

// producerCode is code for a response to a producer. Older versions have
// INVALID_PRODUCER_EPOCH in place of PRODUCER_FENCED.
func producerCode(err error, knowsFenced bool) int16 {
	if !knowsFenced && errors.Is(err, kerr.ProducerFenced) {
		err = kerr.InvalidProducerEpoch
	}
	return wire.Code(err)
}
