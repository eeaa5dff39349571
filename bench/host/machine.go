package host

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/bench/result"
)

// Describe returns the machine and its present load.
func Describe() result.Machine {
	m := result.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: CPUs(), CPU: "unknown"}
	for line := range strings.SplitSeq(read("/proc/cpuinfo"), "\n") {
		name, v, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "model name":
			m.CPU = strings.TrimSpace(v)
		case "flags":
			if strings.Contains(v+" ", " hypervisor ") {
				m.Virtual = hypervisor()
			}
		}
	}
	for line := range strings.SplitSeq(read("/proc/meminfo"), "\n") {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			m.Memory = kb << 10
		}
	}
	m.Load = load()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	return m
}

// load is the average load of the last minute, 0 where it is not known.
func load() float64 {
	first, _, _ := strings.Cut(read("/proc/loadavg"), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

func hypervisor() string {
	if name := strings.TrimSpace(read("/sys/class/dmi/id/sys_vendor")); name != "" {
		return name
	}
	return "a hypervisor"
}

// read returns a small file, "" if it cannot be read.
func read(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}
