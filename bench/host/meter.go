package host

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/bench/result"
)

// The parts of a pipeline.
const (
	Services = "services" // this process: broker, sinks, supervisor
	Detect   = "detect"
	Postgres = "postgres"
	Probe    = "probe"
)

// memoryEvery is how often a Meter looks at memory. It is not looked at more often: that
// takes time of the processes that are measured.
const memoryEvery = time.Second

// Meter counts what this process and its descendants take between Begin and End.
type Meter struct {
	quit, done chan struct{}

	parts  map[int]string // of processes that are known by their id
	load   float64
	before sample
	mark   sample        // the newest of Mark that has a detector; its at is zero if there is none
	rss    map[int]int64 // most memory by process; owned by watchMemory until done is closed
}

// sample is what the machine had used at one moment.
type sample struct {
	at       time.Time
	ours     map[int]usage
	others   map[int]stat
	stolen   time.Duration
	idle     time.Duration
	computed time.Duration // by the machine's CPUs, idle time included
}

// usage is what a process had used at one moment.
type usage struct {
	stat
	part                   string
	written                int64
	voluntary, involuntary int64
}

// Usage is what a Meter counted.
type Usage struct {
	Processes []result.Process
	Others    []result.Other
	Steal     float64 // share of the CPU time that a hypervisor took
	Busy      float64 // share of the CPU time that was used, by whomever
	Seconds   float64 // for which it was counted
	Load      float64 // at Begin
}

// Begin starts to count. probe is the process that serves the probe's session, if any: it
// is a part of its own.
func Begin(probe int) *Meter { return BeginParts(map[int]string{probe: Probe}) }

// BeginParts is Begin for a benchmark that knows the parts of these processes.
func BeginParts(parts map[int]string) *Meter {
	m := &Meter{quit: make(chan struct{}), done: make(chan struct{}), parts: parts, rss: make(map[int]int64)}
	m.load, m.before = load(), take(parts)
	go m.watchMemory()
	return m
}

// Began is when counting began.
func (m *Meter) Began() time.Time { return m.before.at }

// Mark is a moment at which the measurement may have ended: End falls back to the last
// one at which there was a detector, if there is none any more.
func (m *Meter) Mark() {
	if s := take(m.parts); s.has(Detect) {
		m.mark = s
	}
}

func (s sample) has(part string) bool {
	for _, u := range s.ours {
		if u.part == part {
			return true
		}
	}
	return false
}

// watchMemory keeps the most memory of each process.
func (m *Meter) watchMemory() {
	defer close(m.done)
	t := time.NewTicker(memoryEvery)
	defer t.Stop()
	for {
		for pid := range m.before.ours {
			m.rss[pid] = max(m.rss[pid], fields("/proc/"+strconv.Itoa(pid)+"/status", "VmRSS")[0]<<10)
		}
		select {
		case <-t.C:
		case <-m.quit:
			return
		}
	}
}

// End returns what was taken since Begin. It is called once.
func (m *Meter) End() Usage {
	after := take(m.parts)
	if !after.has(Detect) && !m.mark.at.IsZero() {
		after = m.mark
	}
	close(m.quit)
	<-m.done
	u := Usage{Load: m.load, Seconds: after.at.Sub(m.before.at).Seconds(), Others: busy(m.before, after)}
	if d := after.computed - m.before.computed; d > 0 {
		u.Steal = float64(after.stolen-m.before.stolen) / float64(d)
		u.Busy = 1 - float64(after.idle-m.before.idle)/float64(d)
	}
	u.Processes = taken(m.before, after)
	for i := range u.Processes {
		p := &u.Processes[i]
		p.RSS = m.rss[p.PID]
		p.PSS = fields("/proc/"+strconv.Itoa(p.PID)+"/smaps_rollup", "Pss")[0] << 10
	}
	return u
}

// take samples all processes.
func take(parts map[int]string) sample {
	s := sample{at: time.Now(), others: all()}
	s.stolen, s.idle, s.computed = machineTime()
	s.ours = make(map[int]usage)
	for pid, st := range family(s.others, os.Getpid()) {
		delete(s.others, pid)
		dir := "/proc/" + strconv.Itoa(pid) + "/"
		u := usage{stat: st, part: partOf(st, parts)}
		io := fields(dir+"io", "write_bytes")
		u.written = io[0]
		tasks, _ := os.ReadDir(dir + "task") // a process' own counts are those of its first thread
		for _, t := range tasks {
			switches := fields(dir+"task/"+t.Name()+"/status", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
			u.voluntary += switches[0]
			u.involuntary += switches[1]
		}
		u.name = command(pid, st.name)
		s.ours[pid] = u
	}
	return s
}

// partOf is the part that a process of ours belongs to.
func partOf(s stat, parts map[int]string) string {
	part, known := parts[s.pid]
	switch {
	case known:
		return part
	case s.pid == os.Getpid():
		return Services
	case strings.HasPrefix(s.name, "postgres"):
		return Postgres
	}
	return Detect
}

// command names a process: PostgreSQL's by their task, which they write over their
// command line.
func command(pid int, name string) string {
	line := strings.TrimSpace(strings.ReplaceAll(read("/proc/"+strconv.Itoa(pid)+"/cmdline"), "\x00", " "))
	if strings.HasPrefix(line, "postgres: ") {
		return line
	}
	return name
}

// taken is the difference between two samples. What ended between them is counted with the
// process that waited for it.
func taken(before, after sample) (all []result.Process) {
	ended := make(map[int]time.Duration) // time that was counted before, by parent
	for pid, b := range before.ours {
		if a, still := after.ours[pid]; !still || a.began != b.began {
			ended[b.parent] += b.user + b.system
		}
	}
	for pid, a := range after.ours {
		b := before.ours[pid]
		if b.began != a.began {
			b = usage{}
		}
		p := result.Process{
			Part: a.part, Name: a.name, PID: pid,
			User:    (a.user - b.user + max(0, a.waited-b.waited-ended[pid])).Seconds(),
			System:  (a.system - b.system).Seconds(),
			Written: a.written - b.written, Voluntary: a.voluntary - b.voluntary, Involuntary: a.involuntary - b.involuntary,
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b result.Process) int { return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.PID, b.PID)) })
	return all
}

// least is the share of a CPU from which another process is named.
const least = 0.05

// busy are the other processes that computed between two samples.
func busy(before, after sample) (all []result.Other) {
	seconds := after.at.Sub(before.at).Seconds()
	for pid, a := range after.others {
		b := before.others[pid]
		if b.began != a.began {
			b = stat{}
		}
		if share := (a.user + a.system - b.user - b.system).Seconds() / seconds; share >= least {
			all = append(all, result.Other{Name: a.name, PID: pid, CPU: share})
		}
	}
	slices.SortFunc(all, func(a, b result.Other) int { return cmp.Compare(b.CPU, a.CPU) })
	return all
}

// machineTime is the CPU time that a hypervisor took for others, that in which there was
// nothing to do, and that of all CPUs.
func machineTime() (stolen, idle, all time.Duration) {
	line, _, _ := strings.Cut(read("/proc/stat"), "\n")
	for i, f := range strings.Fields(line) { // cpu user nice system idle iowait irq softirq steal guest …
		n, _ := strconv.ParseInt(f, 10, 64)
		d := time.Duration(n) * tick
		switch {
		case i > 8: // guest time is in user time, too
			return stolen, idle, all
		case i == 8:
			stolen = d
		case i == 4 || i == 5:
			idle += d
		}
		all += d
	}
	return stolen, idle, all
}
