package event_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func TestClassName_CaseAndSpaces_OneSpelling(t *testing.T) {
	for _, name := range []string{"person", "Person", "PERSON", " person\t"} {
		require.Equal(t, event.Person, event.ClassName(name))
	}
	require.Equal(t, "traffic light", event.ClassName("Traffic Light"))
	require.NotEqual(t, event.Person, event.ClassName("persons"))
}
