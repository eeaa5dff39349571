package broker

import "math"

// shapes returns the shape of each request that is served, by key.
func shapes() map[int16]Schema {
	var (
		i8, i16, i32, i64 = fixed(1), fixed(2), fixed(4), fixed(8)
		id                = fixed(16)
		str               = Field{max: math.MaxInt16, kind: stringKind}
		blob              = Field{max: math.MaxInt16, kind: bytesKind}
		i32s, strs        = ListOf(i32), ListOf(str)
		acl               = Schema{i8, str, since(1, i8), str, str, i8, i8}
	)
	return map[int16]Schema{
		0: {since(3, str), i16, i32, List(until(12, str), since(13, id), List(i32, blob))},
		1: {until(14, i32), i32, i32, since(3, i32), since(4, i8), since(7, i32), since(7, i32),
			List(until(12, str), since(13, id), List(i32, since(9, i32), i64, since(12, i32), since(5, i64), i32)),
			since(7, List(until(12, str), since(13, id), i32s)), since(11, str), Tagged(1, i32, i64)},
		2: {i32, since(2, i8), List(str, List(i32, since(4, i32), i64, until(0, i32))), since(10, i32)},
		3: {List(since(10, id), str), since(4, i8), since(8, until(10, i8)), since(8, i8)},
		8: {str, since(1, i32), since(1, str), since(7, str), since(2, until(4, i64)),
			List(until(9, str), since(10, id), List(i32, i64, since(1, until(1, i64)), since(6, i32), str))},
		9: {until(7, str), until(7, List(str, i32s)),
			since(8, List(str, since(9, str), since(9, i32), List(until(9, str), since(10, id), i32s))), since(7, i8)},
		10: {until(3, str), since(1, i8), since(4, strs)},
		11: {str, i32, since(1, i32), str, since(5, str), str, List(str, blob), since(8, str)},
		12: {str, i32, str, since(3, str)},
		13: {str, until(2, str), since(3, List(str, str, since(5, str)))},
		14: {str, i32, str, since(3, str), since(5, str), since(5, str), List(str, blob)},
		15: {strs, since(3, i8)},
		16: {since(4, strs), since(5, strs)},
		17: {str},
		18: {since(3, str), since(3, str)},
		19: {List(str, i32, i16, List(i32, i32s), List(str, str)), i32, since(1, i8)},
		20: {until(5, strs), since(6, List(str, id)), i32},
		21: {List(str, List(i32, i64)), i32},
		22: {str, i32, since(3, i64), since(3, i16)},
		23: {since(3, i32), List(str, List(i32, since(2, i32), i32))},
		24: {until(3, str), until(3, i64), until(3, i16), until(3, List(str, i32s)),
			since(4, List(str, i64, i16, i8, List(str, i32s)))},
		25: {str, i64, i16, str},
		26: {str, i64, i16, i8},
		27: {List(i64, i16, i8, List(str, i32s), i32, since(2, i8))},
		28: {str, str, i64, i16, since(3, i32), since(3, str), since(3, str),
			List(until(5, str), since(6, id), List(i32, i64, since(2, i32), str))},
		29: acl,
		30: {List(acl...)},
		31: {List(acl...)},
		32: {List(i8, str, strs), since(1, i8), since(3, i8)},
		33: {List(i8, str, List(str, str)), i8},
		34: {List(str, List(str, i32s))},
		35: {List(str, i32s)},
		36: {blob},
		37: {List(str, i32, List(i32s)), i32, i8},
		42: {strs},
		43: {since(1, i8), List(str, i32s), i32},
		44: {List(i8, str, List(str, i8, str)), i8},
		45: {i32, since(1, i8), List(str, List(i32, i32s))},
		46: {i32, List(str, i32s)},
		47: {str, List(str, List(i32))},
		48: {List(str, i8, str), i8},
		49: {List(List(str, str), List(str, i64, i8)), i8},
		50: {List(str)},
		51: {List(str, i8), List(str, i8, i32, blob, blob)},
		57: {i32, List(str, i16, until(0, i8), since(1, i8)), since(1, i8)},
		60: {i8, since(1, i8), since(2, i8)},
		61: {List(str, i32s)},
		65: {strs},
		66: {strs, ListOf(i64), since(1, i64), since(2, str)},
		68: {str, str, i32, str, str, i32, strs, since(1, str), str, List(id, i32s)},
		69: {strs, i8},
		75: {List(str), i32, Optional(str, i32)},
	}
}
