package storage

import "syscall"

const (
	errNoSpace = syscall.ENOSPC
	errQuota   = syscall.EDQUOT
)
