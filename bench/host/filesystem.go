package host

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// fileSystems are names by the numbers of statfs(2).
var fileSystems = map[uint32]string{
	0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x01021994: "tmpfs", 0x858458f6: "ramfs", 0x794c7630: "overlay",
	0x2fc12fc1: "zfs", 0x6969: "nfs", 0xF2F52010: "f2fs", 0x65735546: "fuse", 0xFF534D42: "cifs", 0x01021997: "9p",
}

// FileSystem is the type of the file system of a path, "" if it cannot be read.
func FileSystem(path string) string {
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil {
		return ""
	}
	if name, ok := fileSystems[uint32(s.Type)]; ok {
		return name
	}
	return fmt.Sprintf("%#x", uint32(s.Type))
}

// SameFileSystem reports whether two paths are on one.
func SameFileSystem(a, b string) bool {
	var s, t unix.Stat_t
	return unix.Stat(a, &s) == nil && unix.Stat(b, &t) == nil && s.Dev == t.Dev
}

// CPUs is how many CPUs this process may use.
func CPUs() int { return runtime.GOMAXPROCS(0) }
