package host

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in proc(5).
const tick = 10 * time.Millisecond

// stat is what proc(5) says of a process.
type stat struct {
	pid, parent  int
	name         string
	user, system time.Duration
	waited       time.Duration // user and system time of children that have ended
	began        uint64        // since the start of the machine, in ticks: tells a process from another with its id
}

// readStat reads a process; ok is false if there is none.
func readStat(pid int) (s stat, ok bool) {
	text := read("/proc/" + strconv.Itoa(pid) + "/stat")
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')') // a name may hold both
	if open < 0 || end < open {
		return s, false
	}
	f := strings.Fields(text[end+1:]) // from the third field of proc(5) on
	if len(f) < 20 {
		return s, false
	}
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(f[field-3], 10, 64)
		return n
	}
	return stat{
		pid: pid, name: text[open+1 : end], parent: int(number(4)),
		user: time.Duration(number(14)) * tick, system: time.Duration(number(15)) * tick,
		waited: time.Duration(number(16)+number(17)) * tick, began: uint64(number(22)),
	}, true
}

// all returns every process of the machine that can be seen, by id.
func all() map[int]stat {
	entries, _ := os.ReadDir("/proc")
	found := make(map[int]stat, len(entries))
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if s, ok := readStat(pid); ok {
				found[pid] = s
			}
		}
	}
	return found
}

// family returns a process and those that descend from it.
func family(of map[int]stat, root int) map[int]stat {
	in := map[int]stat{}
	for pid, s := range of {
		for at, up := s, 0; up < 64; up++ { // 64: a bound, should ids be taken again meanwhile
			if at.pid == root {
				in[pid] = s
				break
			}
			next, ok := of[at.parent]
			if !ok {
				break
			}
			at = next
		}
	}
	return in
}

// fields reads "name: value" lines and returns the value of each wanted name, its unit
// left out.
func fields(path string, names ...string) []int64 {
	values := make([]int64, len(names))
	for line := range strings.SplitSeq(read(path), "\n") {
		name, v, _ := strings.Cut(line, ":")
		for i, wanted := range names {
			if name == wanted {
				v, _, _ = strings.Cut(strings.TrimSpace(v), " ")
				values[i], _ = strconv.ParseInt(v, 10, 64)
			}
		}
	}
	return values
}
