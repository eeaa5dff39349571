package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Compaction leaves the last record of each key: the greatest id must be in one that stays.
func TestState_DeletedForGoodAndCompacted_IDNotGivenAgain(t *testing.T) {
	t.Parallel()
	before := newState()
	v := &stored{Subject: "a", Version: 1, ID: 7, Deleted: true, content: content{Schema: `"string"`}}
	records := []change{putVersion(v)}
	require.NoError(t, before.apply(records[0]))
	records = append(records, before.deletion([]*stored{v}, true)...)
	last := make(map[string]change)
	for _, c := range records {
		last[string(c.key)] = c
	}
	after := newState()
	for _, c := range last {
		require.NoError(t, after.apply(c))
	}
	require.Empty(t, after.subjects)
	require.Equal(t, 7, after.maxID)
}
