//go:build !linux

package storage

func (f osFile) Datasync() error           { return f.Sync() }
func (f osFile) Allocate(_, _ int64) error { return nil }
