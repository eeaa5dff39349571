package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What one node answers to those who move, elect and limit.

func TestOneNode_Admin_LeaderAndOnlyReplica(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{DefaultPartitions: 2})
	ctx := testContext(t)
	cl := newClient(t, b)
	require.NoError(t, cl.ProduceSync(ctx, record("t", 1)).FirstErr())
	adm := kadm.NewClient(cl)

	var ts kadm.TopicsSet
	ts.Add("t", 0, 9)
	elected, err := adm.ElectLeaders(ctx, kadm.ElectPreferredReplica, ts)
	require.NoError(t, err)
	require.ErrorIs(t, elected["t"][0].Err, kerr.ElectionNotNeeded)
	require.ErrorIs(t, elected["t"][9].Err, kerr.UnknownTopicOrPartition)
	elected, err = adm.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil)
	require.NoError(t, err)
	require.Empty(t, elected, "nobody had to be elected")

	var as kadm.AlterPartitionAssignmentsReq
	as.Assign("t", 0, []int32{0})
	as.Assign("t", 1, []int32{0, 1})
	as.CancelAssign("t", 1)
	as.Assign("none", 0, []int32{0})
	moved, err := adm.AlterPartitionAssignments(ctx, as)
	require.NoError(t, err)
	require.NoError(t, moved["t"][0].Err)
	require.ErrorIs(t, moved["t"][1].Err, kerr.NoReassignmentInProgress)
	require.ErrorIs(t, moved["none"][0].Err, kerr.UnknownTopicOrPartition)
	as = nil
	as.Assign("t", 1, []int32{1})
	moved, err = adm.AlterPartitionAssignments(ctx, as)
	require.NoError(t, err)
	require.ErrorIs(t, moved["t"][1].Err, kerr.InvalidReplicaAssignment)

	for dir, want := range map[string]error{b.cfg.Dir: nil, "/elsewhere": kerr.LogDirNotFound} {
		var dirs kadm.AlterReplicaLogDirsReq
		dirs.Add(dir, ts)
		rs, err := adm.AlterBrokerReplicaLogDirs(ctx, 0, dirs)
		require.NoError(t, err)
		require.ErrorIs(t, rs["t"][0].Err, want)
		require.ErrorIs(t, rs["t"][9].Err, kerr.UnknownTopicOrPartition)
	}
}

func TestFeatures_OtherLevel_Refused(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	cl := newClient(t, b)
	for name, c := range map[string]struct {
		feature string
		level   int16
		want    int16
	}{
		"same":    {"transaction.version", 2, 0},
		"lower":   {"transaction.version", 1, kerr.FeatureUpdateFailed.Code},
		"higher":  {"group.version", 2, kerr.InvalidUpdateVersion.Code},
		"unknown": {"metadata.version", 20, kerr.InvalidUpdateVersion.Code},
	} {
		for version := range int16(3) {
			req := kmsg.NewPtrUpdateFeaturesRequest()
			u := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
			u.Feature, u.MaxVersionLevel = c.feature, c.level
			req.FeatureUpdates = append(req.FeatureUpdates, u)
			resp, err := cl.Request(testContext(t), pinned{req, version})
			require.NoError(t, err, name)
			got := resp.(*kmsg.UpdateFeaturesResponse)
			if version < 2 {
				require.Zero(t, got.ErrorCode, name)
				require.Equal(t, c.want, got.Results[0].ErrorCode, name)
				continue
			}
			require.Equal(t, c.want, got.ErrorCode, name)
		}
	}
}
