package event

import (
	"math"
	"time"
	"unicode/utf8"
)

// scanner reads JSON in one spelling: no spaces, no escapes, plain numbers. It fails at the
// first byte that is spelled otherwise, valid or not, and then stays failed.
type scanner struct {
	b      []byte
	at     int // of the next byte in b
	failed bool
}

// take reads text if it comes next, and reports whether it did.
func (c *scanner) take(text string) bool {
	end := c.at + len(text)
	if end > len(c.b) || string(c.b[c.at:end]) != text {
		return false
	}
	c.at = end
	return true
}

// skip reads text, which has to come next.
func (c *scanner) skip(text string) {
	if !c.take(text) {
		c.failed = true
	}
}

// text reads a string and returns the bytes between its quotes.
func (c *scanner) text() []byte {
	c.skip(`"`)
	ascii := true
	for i := c.at; i < len(c.b); i++ {
		switch b := c.b[i]; {
		case b == '"':
			t := c.b[c.at:i]
			c.at = i + 1
			c.failed = c.failed || !ascii && !utf8.Valid(t)
			return t
		case b < ' ' || b == '\\':
			c.failed = true
			return nil
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.failed = true
	return nil
}

// digits reads digits behind those of value, and returns how many and the value of all, which
// is right for no more than maxDigits.
func (c *scanner) digits(value uint64) (int, uint64) {
	began := c.at
	for c.at < len(c.b) && c.b[c.at]-'0' <= 9 {
		value = value*10 + uint64(c.b[c.at]-'0')
		c.at++
	}
	return c.at - began, value
}

const maxDigits = 15 // a float64 has each integer of so many

// whole reads digits as JSON has them before a point: one at least, and no zero before others.
func (c *scanner) whole() (int, uint64) {
	zero := c.at < len(c.b) && c.b[c.at] == '0'
	n, value := c.digits(0)
	c.failed = c.failed || n == 0 || n > maxDigits || zero && n > 1
	return n, value
}

// integer reads an integer that is not negative.
func (c *scanner) integer() int64 {
	_, value := c.whole()
	return int64(value)
}

// powers of ten, which a float64 has exactly.
var powers = [maxDigits + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// float reads a number that is not negative and has no exponent, to the nearest float32. The
// quotient of two exact float64 is the nearest float64. Rounded once more it is the nearest
// float32, too, unless it lies in the middle between two of them.
func (c *scanner) float() float32 {
	n, value := c.whole()
	decimals := 0
	if c.take(`.`) {
		decimals, value = c.digits(value)
		c.failed = c.failed || decimals == 0 || n+decimals > maxDigits
	}
	if c.failed {
		return 0
	}
	f := float64(value) / powers[decimals]
	const cut, middle = 1<<29 - 1, 1 << 28 // the bits of a float64 that a float32 has not
	c.failed = math.Float64bits(f)&cut == middle
	return float32(f)
}

// time reads a time as Time.MarshalJSON writes it.
func (c *scanner) time() Time {
	if c.take(`null`) {
		return Time{}
	}
	const text = `"` + timeLayout + `"`
	if len(c.b)-c.at < len(text) {
		c.failed = true
		return Time{}
	}
	b := c.b[c.at : c.at+len(text)]
	c.at += len(text)
	var value [7]int // year, month, day, hour, minute, second, microsecond
	field := 0
	for i := range len(text) {
		if layout := text[i]; layout < '0' || layout > '9' {
			c.failed = c.failed || b[i] != layout
			if i > 0 {
				field++
			}
			continue
		}
		digit := b[i] - '0'
		c.failed = c.failed || digit > 9
		value[field] = value[field]*10 + int(digit)
	}
	t := time.Date(value[0], time.Month(value[1]), value[2], value[3], value[4], value[5], value[6]*1000, time.UTC)
	// A day that its month has not would be one of another month.
	c.failed = c.failed || int(t.Month()) != value[1] || value[3] > 23 || value[4] > 59 || value[5] > 59
	return Time{t}
}
