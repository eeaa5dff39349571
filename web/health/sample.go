package health

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/pipeline"
)

func (s *sample) measureDisk(dir string) {
	var fs unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &fs) != nil {
		return
	}
	block := uint64(fs.Bsize) //nolint:gosec,unconvert // it is positive, and its type another on each platform
	s.free, s.size = fs.Bavail*block, fs.Blocks*block
}

// earlier returns the newest sample that is at least as old as age, or nil.
func (c *Config) earlier(now sample, age time.Duration) *sample {
	for i := len(c.before) - 1; i >= 0; i-- {
		if now.at.Sub(c.before[i].at) >= age {
			return &c.before[i]
		}
	}
	return nil
}

// camera returns the status of a camera, or nil.
func (s *sample) camera(id string) *pipeline.CameraStatus {
	if s == nil {
		return nil
	}
	for i := range s.cameras {
		if s.cameras[i].ID == id {
			return &s.cameras[i]
		}
	}
	return nil
}
