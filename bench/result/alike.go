package result

import "strconv"

// SameMachine returns what makes two reports of unlike machines, one line each; none: they
// are alike. Load and other processes are no difference, but a reason for a warning.
func SameMachine(a, b *Report) (differences []string) {
	differ := func(what, x, y string) {
		if x != y {
			differences = append(differences, what+": "+x+" and "+y)
		}
	}
	m, n := a.Machine, b.Machine
	differ("OS", m.OS+" "+m.Arch, n.OS+" "+n.Arch)
	differ("kernel", m.Kernel, n.Kernel)
	differ("CPU", m.CPU, n.CPU)
	if m.CPUs != n.CPUs {
		differ("CPUs", strconv.Itoa(m.CPUs), strconv.Itoa(n.CPUs))
	}
	const gigabyte = 1 << 30
	if x, y := m.Memory/gigabyte, n.Memory/gigabyte; x != y {
		differ("memory in GB", strconv.Itoa(int(x)), strconv.Itoa(int(y)))
	}
	return differences
}
