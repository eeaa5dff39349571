package wire

import (
	"encoding/binary"
	"errors"
	"math"
)

// Schema is the layout of a request's body. A body is validated before kmsg decodes
// it, because kmsg trusts the counts in it: it allocates as many elements as an array
// has bytes left, and loops over any number of tagged fields, up to four thousand
// million. In a valid body all elements that are counted are present.
type Schema []Field

// Field is a part of a request, with the versions that have it.
type Field struct {
	min, max int16
	kind     kind
	size     int    // of a fixed field, in bytes
	of       Schema // of an array's elements, a struct, a tag
	tag      uint64
}

type kind int8

const (
	fixedKind  kind = iota // size bytes
	stringKind             // a length and bytes; int16 or, compact, a varint
	bytesKind              // the same with int32
	arrayKind              // of structs, which end with tags
	flatKind               // of one field without tags
	optKind                // a struct that may be null: int8, then its fields
	tagKind                // a tagged field with fields inside
)

// maxElements bounds the elements of all arrays of a request together: decoded
// they take up to a hundred times their bytes.
const maxElements = 1 << 20

var (
	errSchema   = errors.New("request does not match the schema of its version")
	errElements = errors.New("request has too many elements")
)

// Validate returns an error unless body matches the schema in the version. flexible
// versions have compact lengths and tagged fields (KIP-482).
func (s Schema) Validate(body []byte, version int16, flexible bool) error {
	w := validation{p: body, version: version, flexible: flexible, left: maxElements}
	w.fields(s)
	if w.ok() {
		w.tags(s)
	}
	return w.err
}

// validation is one pass over a body. The first error ends it.
type validation struct {
	p        []byte
	version  int16
	flexible bool // compact lengths and tagged fields (KIP-482)
	left     int  // elements that the rest of the body may have
	err      error
}

func (w *validation) ok() bool { return w.err == nil }

func (w *validation) skip(n int) {
	if n > len(w.p) {
		w.err = errSchema
		return
	}
	w.p = w.p[n:]
}

// uvarint reads at most 32 bits.
func (w *validation) uvarint() uint32 {
	v, n := binary.Uvarint(w.p)
	if n <= 0 || n > 5 || v > math.MaxUint32 {
		w.err = errSchema
		return 0
	}
	w.p = w.p[n:]
	return uint32(v)
}

// length reads the length of a string, of bytes or of an array; null is 0.
func (w *validation) length(size int) int {
	if w.flexible {
		n := w.uvarint()
		if n > math.MaxInt32 {
			w.err = errSchema
		}
		return max(int(n)-1, 0)
	}
	if len(w.p) < size {
		w.err = errSchema
		return 0
	}
	n := 0
	if size == 2 {
		n = int(int16(binary.BigEndian.Uint16(w.p)))
	} else {
		n = int(int32(binary.BigEndian.Uint32(w.p)))
	}
	w.p = w.p[size:]
	return max(n, 0)
}

func (w *validation) fields(s Schema) {
	for i := range s {
		f := &s[i]
		if w.version < f.min || w.version > f.max || f.kind == tagKind {
			continue
		}
		switch f.kind {
		case fixedKind:
			w.skip(f.size)
		case stringKind:
			w.skip(w.length(2))
		case bytesKind:
			w.skip(w.length(4))
		case arrayKind, flatKind:
			w.array(f)
		case optKind:
			w.optional(f)
		}
		if !w.ok() {
			return
		}
	}
}

func (w *validation) array(f *Field) {
	n := w.length(4)
	if w.left -= n; w.left < 0 {
		w.err = errElements
		return
	}
	for ; n > 0 && w.ok(); n-- {
		if w.fields(f.of); w.ok() && f.kind == arrayKind {
			w.tags(f.of)
		}
	}
}

func (w *validation) optional(f *Field) {
	present := len(w.p) > 0 && int8(w.p[0]) != -1
	if w.skip(1); w.ok() && present {
		if w.fields(f.of); w.ok() {
			w.tags(f.of)
		}
	}
}

// tags reads the tagged fields at the end of a struct.
func (w *validation) tags(s Schema) {
	if !w.flexible {
		return
	}
	for n := w.uvarint(); n > 0 && w.ok(); n-- {
		tag := w.uvarint()
		size := w.uvarint()
		if !w.ok() || uint64(size) > uint64(len(w.p)) {
			w.err = errSchema
			return
		}
		in := *w
		in.p = w.p[:size]
		w.p = w.p[size:]
		for i := range s {
			if s[i].kind == tagKind && s[i].tag == uint64(tag) {
				if in.fields(s[i].of); in.ok() {
					in.tags(s[i].of)
				}
				w.left, w.err = in.left, in.err
			}
		}
	}
}

// The fields that requests are made of. A boolean is an Int8.
var (
	Int8    = fixed(1)
	Int16   = fixed(2)
	Int32   = fixed(4)
	Int64   = fixed(8)
	ID      = fixed(16)
	String  = Field{max: math.MaxInt16, kind: stringKind}
	Bytes   = Field{max: math.MaxInt16, kind: bytesKind}
	Int32s  = ListOf(Int32)
	Int8s   = ListOf(Int8)
	Strings = ListOf(String)
)

func fixed(size int) Field { return Field{max: math.MaxInt16, size: size} }

// List is an array of structs.
func List(of ...Field) Field { return Field{max: math.MaxInt16, kind: arrayKind, of: of} }

// ListOf is an array of single fields.
func ListOf(of Field) Field { return Field{max: math.MaxInt16, kind: flatKind, of: Schema{of}} }

// Optional is a struct that may be null.
func Optional(of ...Field) Field { return Field{max: math.MaxInt16, kind: optKind, of: of} }

// Tagged is a tagged field whose content has tagged fields itself. Other tagged
// fields need not be listed.
func Tagged(tag uint64, of ...Field) Field {
	return Field{max: math.MaxInt16, kind: tagKind, tag: tag, of: of}
}

// Since returns the field as one that begins with the version.
func (f Field) Since(version int16) Field {
	f.min = version
	return f
}

// Through returns the field as one that ends with the version.
func (f Field) Through(version int16) Field {
	f.max = version
	return f
}
