package broker

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeTransactions and ListTransactions.

var describeTransactionsAPI = api{
	key: 65, min: 0, max: 0,
	handler: handle((*Broker).describeTransactions),
	schema:  wire.Schema{wire.Strings},
}

func (b *Broker) describeTransactions(c *caller, req *kmsg.DescribeTransactionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
	for _, id := range req.TransactionalIDs {
		ss := kmsg.NewDescribeTransactionsResponseTransactionState()
		ss.TransactionalID = id
		if err := b.authorize(c, opDescribe, resourceTxn, id); err != nil {
			ss.ErrorCode = wire.Code(err)
		} else if t := b.txns.Lock(id); t == nil {
			ss.ErrorCode = kerr.TransactionalIDNotFound.Code
		} else {
			d := t.Describe()
			t.Unlock()
			ss.State, ss.TimeoutMillis, ss.StartTimestamp = string(d.State), d.TimeoutMillis, d.StartedMillis
			ss.ProducerID, ss.ProducerEpoch = d.Producer.ID, d.Producer.Epoch
			for _, name := range slices.Sorted(maps.Keys(d.Partitions)) {
				st := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
				st.Topic, st.Partitions = name, d.Partitions[name]
				ss.Topics = append(ss.Topics, st)
			}
		}
		resp.TransactionStates = append(resp.TransactionStates, ss)
	}
	return resp
}

var listTransactionsAPI = api{
	key: 66, min: 0, max: 2,
	handler: handle((*Broker).listTransactions),
	schema:  wire.Schema{wire.Strings, wire.ListOf(wire.Int64), wire.Int64.Since(1), wire.String.Since(2)},
}

func (b *Broker) listTransactions(c *caller, req *kmsg.ListTransactionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
	for _, s := range req.StateFilters {
		if !slices.Contains(txnStates, s) {
			resp.UnknownStateFilters = append(resp.UnknownStateFilters, s)
		}
	}
	var pattern *regexp.Regexp
	if req.TransactionalIDPattern != nil && *req.TransactionalIDPattern != "" {
		var err error
		if pattern, err = regexp.Compile("^(?:" + *req.TransactionalIDPattern + ")$"); err != nil {
			resp.ErrorCode = kerr.InvalidRegularExpression.Code
			return resp
		}
	}
	now := time.Now().UnixMilli()
	for _, d := range b.txns.Describe() {
		open := now - d.StartedMillis
		switch {
		case len(req.StateFilters) > 0 && !slices.Contains(req.StateFilters, string(d.State)),
			len(req.ProducerIDFilters) > 0 && !slices.Contains(req.ProducerIDFilters, d.Producer.ID),
			req.Version >= 1 && req.DurationFilterMillis >= 0 && (d.State != txn.Ongoing || open < req.DurationFilterMillis),
			pattern != nil && !pattern.MatchString(d.ID),
			!b.allowed(c, opDescribe, resourceTxn, d.ID):
			continue
		}
		ss := kmsg.NewListTransactionsResponseTransactionState()
		ss.TransactionalID, ss.ProducerID, ss.TransactionState = d.ID, d.Producer.ID, string(d.State)
		resp.TransactionStates = append(resp.TransactionStates, ss)
	}
	return resp
}

// txnStates are the states that a filter may name: Kafka's, of which transactions
// here have only some.
var txnStates = []string{
	string(txn.Empty), string(txn.Ongoing), string(txn.CompleteCommit), string(txn.CompleteAbort),
	"PrepareCommit", "PrepareAbort", "PrepareEpochFence", "Dead",
}
