package occupancy_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/occupancy"
)

// metric returns the sum of the series of a counter.
func metric(t testing.TB, reg *prometheus.Registry, name, label string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name && (label == "" || m.Label[0].GetValue() == label) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func aborted(t testing.TB, reg *prometheus.Registry) float64 {
	t.Helper()
	return metric(t, reg, "sightlog_occupancy_transactions_total", "aborted")
}

// unaware is a member that does not notice that it was removed from the group.
func unaware(reg *prometheus.Registry) func(*occupancy.Config) {
	return func(c *occupancy.Config) {
		c.SessionTimeout, c.Heartbeat, c.Metrics = time.Minute, time.Minute, reg
	}
}

func (w *world) members() (ids []string) {
	w.Helper()
	groups, err := kadm.NewClient(w.cl).DescribeGroups(w.Context(), occupancy.Group(occupancy.Topic))
	require.NoError(w, err)
	for _, m := range groups[occupancy.Group(occupancy.Topic)].Members {
		ids = append(ids, m.MemberID)
	}
	return ids
}

// removeMembers removes all members from the group, as a coordinator does whose session
// with them has expired.
func (w *world) removeMembers() {
	w.Helper()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = occupancy.Group(occupancy.Topic)
	for _, id := range w.members() {
		rm := kmsg.NewLeaveGroupRequestMember()
		rm.MemberID = id
		req.Members = append(req.Members, rm)
	}
	require.NotEmpty(w, req.Members)
	resp, err := req.RequestWith(w.Context(), w.cl)
	require.NoError(w, err)
	require.NoError(w, kerr.ErrorForCode(resp.ErrorCode))
}

func TestProcessor_RemovedFromItsGroup_RecordsAreFenced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reg := prometheus.NewRegistry()
	w.start(unaware(reg))
	first, second := frames(0, 150, "porch", "yard"), frames(150, 200, "porch", "yard")
	w.produce(first...)
	w.await("the first", func() bool { return w.processed() >= int64(len(first)) })
	w.removeMembers()
	w.start()
	w.produce(second...) // both fetch them
	w.await("a transaction of the removed member", func() bool { return aborted(t, reg) > 0 })
	w.await("the second", func() bool { return w.processed() >= int64(len(first)+len(second)) })
	for _, camera := range []string{"porch", "yard"} {
		w.produce(frame(camera, "second-run", 0))
	}
	w.exactly(reference(time.Minute, time.Minute, append(first, second...)...))
}

// The transaction with the windows of an idle camera has no records of that partition. It
// commits the offset again, which a member that was removed cannot.
func TestProcessor_RemovedFromItsGroup_IdleWindowsAreFenced(t *testing.T) {
	t.Parallel()
	for wait := 4 * time.Second; ; wait *= 2 {
		w := newWorld(t)
		reg := prometheus.NewRegistry()
		removed := w.start(unaware(reg), idle(wait))
		all := frames(0, 150, "porch", "yard")
		w.produce(all...)
		w.await("the frames", func() bool { return w.processed() >= int64(len(all)) })
		time.Sleep(wait / 4) // a client asks its group once more, 500 ms after it has joined
		w.removeMembers()
		early := len(w.output()) > 0
		stop := w.start(idle(10 * time.Millisecond))
		want := reference(time.Minute, time.Minute, all...)
		w.exactly(want)
		stop()
		w.await("the removed member to do anything", func() bool { return aborted(t, reg) > 0 || len(w.members()) > 0 })
		w.exactly(want)
		removed()
		if !early && aborted(t, reg) > 0 {
			return
		}
		t.Log("the machine is slow: the member knew that it was removed, or was idle before")
	}
}

// A transaction that is aborted for a reason that changes no assignment is computed
// again, from the state in the log.
func TestProcessor_CommitRefusedForAMoment_ComputedAgain(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := newWorldOn(t, nil, c.ListenAddrs()...)
	var commits atomic.Int64
	c.ControlKey(int16(kmsg.TxnOffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req, ok := r.(*kmsg.TxnOffsetCommitRequest)
		if !ok || commits.Add(1)%3 != 0 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
		for _, rt := range req.Topics {
			st := kmsg.NewTxnOffsetCommitResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewTxnOffsetCommitResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, kerr.UnknownServerError.Code
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	reg := prometheus.NewRegistry()
	w.start(func(c *occupancy.Config) { c.Metrics, c.MaxRecords, c.Idle = reg, 20, 500*time.Millisecond })
	var all []*event.Sighting
	for part := range 5 {
		some := frames(part*40, (part+1)*40, "porch", "yard")
		all = append(all, some...)
		w.produce(some...)
		w.await("the frames", func() bool { return metric(t, reg, "sightlog_occupancy_frames_total", "counted") >= float64(len(all)) })
	}
	w.exactly(reference(time.Minute, time.Minute, all...))
	require.NotZero(t, aborted(t, reg))
	require.Equal(t, float64(len(all)), metric(t, reg, "sightlog_occupancy_frames_total", ""))
}
