package bench

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/sightlog/sightlog/bench/disk"
	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
)

// A disk that syncs in less is none: the fastest with a cache that survives a power cut
// takes more.
const leastSync = 10 * time.Microsecond

// probeDisk is for how long a disk is measured, with blocks of a page.
const (
	probeDisk  = time.Second
	probeBlock = 4096
)

// durabilityOf says what log and database promise, and measures the disks they are on.
func durabilityOf(ctx context.Context, cfg Config, data string, seen *watched) (d result.Durability, err error) {
	ownLog, ownDatabase := len(cfg.Services.Kafka.Brokers) == 0, cfg.Services.Database.DatabaseURL == ""
	d.Stated = "log: of another broker, acks=all; its flushes are not known"
	if ownLog {
		d.Stated = "log: " + map[string]string{
			"interval": "synced every 50 ms, after it was acknowledged: NOT durable",
			"os":       "synced when the operating system does: NOT durable",
		}[cfg.Flush]
		if cfg.Flush == "always" || cfg.Flush == "" {
			d.Stated = "log: synced (fdatasync) before it is acknowledged"
		}
	}
	d.Stated += "; database: " + seen.stated
	if ownLog {
		if err := addDisk(ctx, &d, "log", filepath.Join(data, "log")); err != nil {
			return d, err
		}
	}
	if ownDatabase {
		err = addDisk(ctx, &d, "database", filepath.Join(data, "postgres"))
	}
	return d, err
}

// addDisk measures a disk. The same disk is measured once.
func addDisk(ctx context.Context, d *result.Durability, use, dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil // elsewhere: of root's directories the database is below /var/lib
	}
	for i := range d.Disks {
		if host.SameFileSystem(d.Disks[i].Path, dir) {
			d.Disks[i].Use += ", " + use
			return nil
		}
	}
	got, err := MeasureDisk(ctx, use, dir)
	if err == nil {
		d.Disks = append(d.Disks, got)
	}
	return err
}

// MeasureDisk writes and syncs small blocks in a directory, for a second.
func MeasureDisk(ctx context.Context, use, dir string) (d result.Disk, err error) {
	p, err := disk.Open(dir)
	if err != nil {
		return d, err
	}
	defer p.Close()
	h := result.NewHistogram()
	if err := p.Measure(ctx, probeBlock, probeDisk, h); err != nil {
		return d, err
	}
	return judge(result.Disk{
		Use: use, Path: dir, FileSystem: host.FileSystem(dir), N: h.N(), P50: 1000 * h.Quantile(.5), P99: 1000 * h.Quantile(.99),
	}), nil
}

// judge decides if a disk can be durable.
func judge(d result.Disk) result.Disk {
	d.Durable = d.FileSystem != "tmpfs" && d.FileSystem != "ramfs" && d.P50 >= float64(leastSync/time.Microsecond)
	return d
}
