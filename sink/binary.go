package sink

import (
	"encoding/binary"
	"math"

	"github.com/jackc/pgx/v5/pgtype"
)

// columnTypes are the types of a table's columns, by name. COPY in binary needs them: it
// casts nothing.
type columnTypes map[string]uint32

// binaryFunc appends a value in the binary format of a type, with its length before it. It
// returns nil where it does not know the type, or the value is out of its range.
type binaryFunc[R any] func(b []byte, oid uint32, row *R) []byte

func appendNull(b []byte) []byte { return append(b, 0xff, 0xff, 0xff, 0xff) }

// appendInteger appends v with its length, or returns nil.
func appendInteger(b []byte, oid uint32, v int64) []byte {
	switch {
	case oid == pgtype.Int8OID:
		return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(v))
	case oid == pgtype.Int4OID && v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32(v))
	case oid == pgtype.Int2OID && v >= math.MinInt16 && v <= math.MaxInt16:
		return binary.BigEndian.AppendUint16(append(b, 0, 0, 0, 2), uint16(v))
	}
	return nil
}

// appendValue appends a value of one of the types that columns have, or returns nil.
func appendValue(b []byte, oid uint32, v any) []byte {
	switch v := v.(type) {
	case int32:
		return appendInteger(b, oid, int64(v))
	case int64:
		return appendInteger(b, oid, v)
	case float32:
		if oid == pgtype.Float4OID {
			return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), math.Float32bits(v))
		}
	case *int32:
		if v == nil {
			return appendNull(b)
		}
		return appendInteger(b, oid, int64(*v))
	case *int64:
		if v == nil {
			return appendNull(b)
		}
		return appendInteger(b, oid, *v)
	case []byte:
		if v == nil {
			return appendNull(b)
		}
		if oid == pgtype.ByteaOID {
			return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
	case pgtype.Timestamptz:
		if !v.Valid {
			return appendNull(b)
		}
		if oid == pgtype.TimestamptzOID {
			const year2000 = 946_684_800_000_000 // microseconds
			return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(v.Time.UnixMicro()-year2000))
		}
	}
	return nil
}

// elements are the types of the elements of arrays.
var elements = map[uint32]uint32{
	pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID, pgtype.Int8ArrayOID: pgtype.Int8OID,
	pgtype.Float4ArrayOID: pgtype.Float4OID,
}

// appendArray appends an array with its length, or returns nil.
func appendArray[T any](b []byte, oid uint32, values []T) []byte {
	if len(values) == 0 {
		return appendNull(b)
	}
	element, ok := elements[oid]
	if !ok {
		return nil
	}
	at := len(b)
	b = appendNull(b) // the length, which is not known yet
	for _, head := range [...]uint32{1 /* dimension */, 1 /* nulls, perhaps */, element, uint32(len(values)), 1 /* first index */} {
		b = binary.BigEndian.AppendUint32(b, head)
	}
	for _, v := range values {
		if b = appendValue(b, element, v); b == nil {
			return nil
		}
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}
