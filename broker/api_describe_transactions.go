package broker

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeTransactions (key 65), v0, and ListTransactions (key 66), v0-2.

func (b *Broker) describeTransactions(c *caller, req *kmsg.DescribeTransactionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
	for _, id := range req.TransactionalIDs {
		ss := kmsg.NewDescribeTransactionsResponseTransactionState()
		ss.TransactionalID = id
		if err := b.authorize(c, opDescribe, resourceTxn, id); err != nil {
			ss.ErrorCode = code(err)
		} else if t := b.txns.lock(id, false); t == nil {
			ss.ErrorCode = kerr.TransactionalIDNotFound.Code
		} else {
			ss.State, ss.TimeoutMillis = string(t.row.State), t.row.Timeout
			ss.ProducerID, ss.ProducerEpoch = t.row.ProducerID, t.row.Epoch
			ss.StartTimestamp = -1
			if t.row.State == txnOngoing {
				ss.StartTimestamp = t.row.Started
			}
			for _, name := range slices.Sorted(maps.Keys(t.row.Partitions)) {
				st := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
				st.Topic, st.Partitions = name, slices.Clone(t.row.Partitions[name])
				ss.Topics = append(ss.Topics, st)
			}
			t.mu.Unlock()
		}
		resp.TransactionStates = append(resp.TransactionStates, ss)
	}
	return resp
}

func (b *Broker) listTransactions(c *caller, req *kmsg.ListTransactionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
	known := []string{string(txnEmpty), string(txnOngoing), string(txnCompleteCommit), string(txnCompleteAbort), "PrepareCommit", "PrepareAbort", "PrepareEpochFence", "Dead"}
	for _, s := range req.StateFilters {
		if !slices.Contains(known, s) {
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
	for _, t := range b.txns.all() {
		t.mu.Lock()
		row := t.row
		t.mu.Unlock()
		open := now - row.Started
		switch {
		case row.ProducerID < 0,
			len(req.StateFilters) > 0 && !slices.Contains(req.StateFilters, string(row.State)),
			len(req.ProducerIDFilters) > 0 && !slices.Contains(req.ProducerIDFilters, row.ProducerID),
			req.Version >= 1 && req.DurationFilterMillis >= 0 && (row.State != txnOngoing || open < req.DurationFilterMillis),
			pattern != nil && !pattern.MatchString(t.id),
			!b.allowed(c, opDescribe, resourceTxn, t.id):
			continue
		}
		ss := kmsg.NewListTransactionsResponseTransactionState()
		ss.TransactionalID, ss.ProducerID, ss.TransactionState = t.id, row.ProducerID, string(row.State)
		resp.TransactionStates = append(resp.TransactionStates, ss)
	}
	return resp
}
