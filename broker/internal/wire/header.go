package wire

import (
	"encoding/binary"
	"errors"
)

// Header is a request's header, version 1 or the common part of version 2.
type Header struct {
	Key, Version int16
	Correlation  int32
	ClientID     string
	Body         []byte
}

var errShort = errors.New("request is short")

// ReadHeader reads the header at the begin of a request.
func ReadHeader(p []byte) (h Header, err error) {
	if len(p) < 8 {
		return h, errShort
	}
	h.Key = int16(binary.BigEndian.Uint16(p))
	h.Version = int16(binary.BigEndian.Uint16(p[2:]))
	h.Correlation = int32(binary.BigEndian.Uint32(p[4:]))
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
		h.ClientID = string(p[:n])
		p = p[n:]
	}
	h.Body = p
	return h, nil
}

// SkipTags skips a flexible header's tagged fields (KIP-482).
func SkipTags(p []byte) ([]byte, error) {
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
