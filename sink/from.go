package sink

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// From is the position from which to continue partitions whose log is not the one
// that the tables were written from. Such a partition is stopped, because only a user
// knows what the other log is. From has no effect on other partitions, so that it
// may remain in a configuration, and is applied only at the start.
type From struct {
	Topic     string // "": all
	Partition int32  // -1: all
	Offset    int64  // or Earliest, Latest
}

// Offsets that are not numbers, as ListOffsets has them.
const (
	Earliest = -2 // all records of the log; existing rows are not changed
	Latest   = -1 // only records produced after the start
)

// ParseFrom parses WHERE, TOPIC/WHERE or TOPIC/PARTITION/WHERE, in which WHERE is
// earliest, latest or, of one partition, an offset.
func ParseFrom(text string) (From, error) {
	fail := func() (From, error) {
		return From{}, usage.New("write earliest, sightings/earliest, sightings/3/latest or sightings/3/51", "--from %q", text)
	}
	parts := strings.Split(text, "/")
	f := From{Partition: -1}
	switch where := parts[len(parts)-1]; where {
	case "earliest":
		f.Offset = Earliest
	case "latest":
		f.Offset = Latest
	default:
		n, err := strconv.ParseInt(where, 10, 64)
		if err != nil || n < 0 || len(parts) != 3 {
			return fail()
		}
		f.Offset = n
	}
	if len(parts) > 1 {
		if f.Topic = parts[0]; f.Topic == "" {
			return fail()
		}
	}
	if len(parts) > 2 {
		n, err := strconv.ParseInt(parts[1], 10, 32)
		if err != nil || n < 0 || len(parts) > 3 {
			return fail()
		}
		f.Partition = int32(n)
	}
	return f, nil
}

func (f From) String() string {
	where := map[int64]string{Earliest: "earliest", Latest: "latest"}[f.Offset]
	switch {
	case where == "":
		where = strconv.FormatInt(f.Offset, 10)
		fallthrough
	case f.Partition >= 0:
		return fmt.Sprintf("%s/%d/%s", f.Topic, f.Partition, where)
	case f.Topic != "":
		return f.Topic + "/" + where
	}
	return where
}
