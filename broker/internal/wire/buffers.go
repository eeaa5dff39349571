package wire

import "sync"

// bufferClasses are the sizes of pooled buffers. Buffers of requests and responses are
// reused: at hundreds of megabytes a second they would otherwise be most of the
// garbage. A small request does not hold a large buffer, and from 64 KiB on a buffer is
// at most twice as large as was asked for.
var bufferClasses = [...]int{4 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20}

var bufferPools [len(bufferClasses)]sync.Pool

// GetBuffer returns a buffer of length n.
func GetBuffer(n int) *[]byte {
	for i, size := range bufferClasses {
		if n > size {
			continue
		}
		if p, ok := bufferPools[i].Get().(*[]byte); ok {
			*p = (*p)[:n]
			return p
		}
		b := make([]byte, n, size)
		return &b
	}
	b := make([]byte, n)
	return &b
}

// PutBuffer returns a buffer to its pool. Nothing may refer to it any more.
func PutBuffer(p *[]byte) {
	for i := len(bufferClasses) - 1; i >= 0; i-- {
		if cap(*p) >= bufferClasses[i] {
			if cap(*p) <= 2*bufferClasses[len(bufferClasses)-1] {
				bufferPools[i].Put(p)
			}
			return
		}
	}
}
