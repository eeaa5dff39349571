package broker

import "github.com/twmb/franz-go/pkg/kerr"

// checkEpoch returns an error if the client names another leader epoch than the current
// one, which all partitions share (KIP-320). -1 stands for a client that names none. The
// errors make clients that were connected before a restart of the broker ask Metadata
// and OffsetForLeaderEpoch, which show whether the log still is the one that they read.
func (b *Broker) checkEpoch(current int32) error {
	switch epoch := b.store.Epoch(); {
	case current == -1 || current == epoch:
		return nil
	case current > epoch:
		return kerr.UnknownLeaderEpoch
	default:
		return kerr.FencedLeaderEpoch
	}
}
