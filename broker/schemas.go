package broker

import "math"

// shapes returns the shape of each request that is served, by key.
func shapes() map[int16]shape {
	var (
		i8, i16, i32, i64 = fixed(1), fixed(2), fixed(4), fixed(8)
		id                = fixed(16)
		str               = field{max: math.MaxInt16, kind: stringKind}
		blob              = field{max: math.MaxInt16, kind: bytesKind}
		i32s, strs        = flat(i32), flat(str)
		acl               = shape{i8, str, since(1, i8), str, str, i8, i8}
	)
	return map[int16]shape{
		0: {since(3, str), i16, i32, list(until(12, str), since(13, id), list(i32, blob))},
		1: {until(14, i32), i32, i32, since(3, i32), since(4, i8), since(7, i32), since(7, i32),
			list(until(12, str), since(13, id), list(i32, since(9, i32), i64, since(12, i32), since(5, i64), i32)),
			since(7, list(until(12, str), since(13, id), i32s)), since(11, str), tagged(1, i32, i64)},
		2: {i32, since(2, i8), list(str, list(i32, since(4, i32), i64, until(0, i32))), since(10, i32)},
		3: {list(since(10, id), str), since(4, i8), since(8, until(10, i8)), since(8, i8)},
		8: {str, since(1, i32), since(1, str), since(7, str), since(2, until(4, i64)),
			list(until(9, str), since(10, id), list(i32, i64, since(1, until(1, i64)), since(6, i32), str))},
		9: {until(7, str), until(7, list(str, i32s)),
			since(8, list(str, since(9, str), since(9, i32), list(until(9, str), since(10, id), i32s))), since(7, i8)},
		10: {until(3, str), since(1, i8), since(4, strs)},
		11: {str, i32, since(1, i32), str, since(5, str), str, list(str, blob), since(8, str)},
		12: {str, i32, str, since(3, str)},
		13: {str, until(2, str), since(3, list(str, str, since(5, str)))},
		14: {str, i32, str, since(3, str), since(5, str), since(5, str), list(str, blob)},
		15: {strs, since(3, i8)},
		16: {since(4, strs), since(5, strs)},
		17: {str},
		18: {since(3, str), since(3, str)},
		19: {list(str, i32, i16, list(i32, i32s), list(str, str)), i32, since(1, i8)},
		20: {until(5, strs), since(6, list(str, id)), i32},
		21: {list(str, list(i32, i64)), i32},
		22: {str, i32, since(3, i64), since(3, i16)},
		23: {since(3, i32), list(str, list(i32, since(2, i32), i32))},
		24: {until(3, str), until(3, i64), until(3, i16), until(3, list(str, i32s)),
			since(4, list(str, i64, i16, i8, list(str, i32s)))},
		25: {str, i64, i16, str},
		26: {str, i64, i16, i8},
		27: {list(i64, i16, i8, list(str, i32s), i32, since(2, i8))},
		28: {str, str, i64, i16, since(3, i32), since(3, str), since(3, str),
			list(until(5, str), since(6, id), list(i32, i64, since(2, i32), str))},
		29: acl,
		30: {list(acl...)},
		31: {list(acl...)},
		32: {list(i8, str, strs), since(1, i8), since(3, i8)},
		33: {list(i8, str, list(str, str)), i8},
		34: {list(str, list(str, i32s))},
		35: {list(str, i32s)},
		36: {blob},
		37: {list(str, i32, list(i32s)), i32, i8},
		42: {strs},
		43: {since(1, i8), list(str, i32s), i32},
		44: {list(i8, str, list(str, i8, str)), i8},
		45: {i32, since(1, i8), list(str, list(i32, i32s))},
		46: {i32, list(str, i32s)},
		47: {str, list(str, list(i32))},
		48: {list(str, i8, str), i8},
		49: {list(list(str, str), list(str, i64, i8)), i8},
		50: {list(str)},
		51: {list(str, i8), list(str, i8, i32, blob, blob)},
		57: {i32, list(str, i16, until(0, i8), since(1, i8)), since(1, i8)},
		60: {i8, since(1, i8), since(2, i8)},
		61: {list(str, i32s)},
		65: {strs},
		66: {strs, flat(i64), since(1, i64), since(2, str)},
		68: {str, str, i32, str, str, i32, strs, since(1, str), str, list(id, i32s)},
		69: {strs, i8},
		75: {list(str), i32, optional(str, i32)},
	}
}
