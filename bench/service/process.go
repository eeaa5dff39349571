package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/bench/result"
)

// tick is the unit of times in proc(5).
const tick = 10 * time.Millisecond

// Time returns the processor time that a process has used, with all its threads.
func Time(pid int) (time.Duration, error) {
	var t unix.Timespec
	// The clock of a process: clock_getcpuclockid(3).
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// FamilyTime returns the processor time of a process and its children, those that have
// ended included: of a database server with its sessions.
func FamilyTime(pid int) (sum time.Duration, err error) {
	f, err := stat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	sum = ticks(f[13]) + ticks(f[14]) // of children that were waited for
	for _, p := range family(pid) {
		if t, err := Time(p); err == nil { // one that has ended meanwhile counts with its parent
			sum += t
		}
	}
	return sum, nil
}

// family returns a process and its children.
func family(pid int) []int {
	all := []int{pid}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		if f, err := stat(path); err == nil && f[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// Usage is what a process has used since it started.
func Usage(part string, pid int) (result.Process, error) {
	f, err := stat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return result.Process{}, err
	}
	p := result.Process{Part: part, Name: f[len(f)-1], PID: pid, User: ticks(f[11]).Seconds(), System: ticks(f[12]).Seconds()}
	for _, v := range []struct {
		file, name string
		unit       int64
		into       *int64
	}{
		{"status", "VmHWM:", 1024, &p.RSS},
		{"io", "write_bytes:", 1, &p.Written},
		{"status", "voluntary_ctxt_switches:", 1, &p.Voluntary},
		{"status", "nonvoluntary_ctxt_switches:", 1, &p.Involuntary},
	} {
		*v.into = v.unit * field(fmt.Sprintf("/proc/%d/%s", pid, v.file), v.name)
	}
	return p, nil
}

// Since is what a process has used between two Usages; its memory is that of the second.
func Since(before, after result.Process) result.Process {
	after.User -= before.User
	after.System -= before.System
	after.Written -= before.Written
	after.Voluntary -= before.Voluntary
	after.Involuntary -= before.Involuntary
	return after
}

func ticks(s string) time.Duration {
	n, _ := strconv.ParseInt(s, 10, 64) // the kernel writes numbers
	return time.Duration(n) * tick
}

// stat returns the fields of a file stat of proc(5) behind the name, and the name as the
// last.
func stat(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read what a process uses: %w", err)
	}
	text := string(b)
	end := strings.LastIndex(text, ") ") // a name may have spaces and brackets
	if begin := strings.IndexByte(text, '('); begin >= 0 && end > begin {
		if f := strings.Fields(text[end+2:]); len(f) > 15 {
			return append(f, text[begin+1:end]), nil
		}
	}
	return nil, errors.New("read what a process uses: " + path + " has another form")
}

// field returns the number behind a name in a file of proc(5), 0 if it cannot be read.
func field(path, name string) int64 {
	b, _ := os.ReadFile(path)
	words := strings.Fields(string(b))
	if i := slices.Index(words, name); i >= 0 && i+1 < len(words) {
		n, _ := strconv.ParseInt(words[i+1], 10, 64)
		return n
	}
	return 0
}
