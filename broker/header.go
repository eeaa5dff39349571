package broker

import (
	"encoding/binary"
	"errors"
)

// header is a request's header, version 1 or the common part of version 2.
type header struct {
	key, version int16
	correlation  int32
	clientID     string
	body         []byte
}

var errShort = errors.New("request is short")

func readHeader(p []byte) (h header, err error) {
	if len(p) < 8 {
		return h, errShort
	}
	h.key = int16(binary.BigEndian.Uint16(p))
	h.version = int16(binary.BigEndian.Uint16(p[2:]))
	h.correlation = int32(binary.BigEndian.Uint32(p[4:]))
	p = p[8:]
	if len(p) < 2 {
		return h, errShort
	}
	n := int(int16(binary.BigEndian.Uint16(p)))
	p = p[2:]
	if n > len(p) {
		return h, errShort
	}
	if n > 0 {
		h.clientID = string(p[:n])
		p = p[n:]
	}
	h.body = p
	return h, nil
}

// skipTags skips a flexible header's tagged fields (KIP-482).
func skipTags(p []byte) ([]byte, error) {
	n, w := binary.Uvarint(p)
	if w <= 0 {
		return nil, errShort
	}
	p = p[w:]
	for ; n > 0; n-- {
		_, w := binary.Uvarint(p)
		if w <= 0 {
			return nil, errShort
		}
		size, w2 := binary.Uvarint(p[w:])
		if w2 <= 0 || size > uint64(len(p)-w-w2) {
			return nil, errShort
		}
		p = p[w+w2+int(size):]
	}
	return p, nil
}
