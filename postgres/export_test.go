package postgres

// Abandon drops the lock and leaves the server running, as the kernel does
// with a process that is killed.
func (p *Private) Abandon() { unlock(p.lock) }
