package dynamostore

import (
	"fmt"
	"strconv"
	"strings"
)

// What a DynamoDB number can hold.
const (
	maxDigits   = 38
	maxExponent = 125  // of the first digit
	minExponent = -130 // of the first digit
)

// decimal is an exact number: 0.d₁d₂d₃… × 10^point, digits without zeros at either end; no digits is zero.
type decimal struct {
	negative bool
	digits   string
	point    int
}

// parseNumber reads a number as DynamoDB's wire format writes it. Whatever DynamoDB would round or refuse is an error.
func parseNumber(s string) (d decimal, err error) {
	rest := s
	switch {
	case strings.HasPrefix(rest, "-"):
		d.negative, rest = true, rest[1:]
	case strings.HasPrefix(rest, "+"):
		rest = rest[1:]
	}
	exponent := 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		if exponent, err = strconv.Atoi(rest[i+1:]); err != nil || exponent > 1<<20 || exponent < -1<<20 {
			return d, fmt.Errorf("%q is no number", s)
		}
		rest = rest[:i]
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return d, fmt.Errorf("%q is no number", s)
	}
	trimmed := strings.TrimLeft(digits, "0")
	d.point = len(whole) + exponent - (len(digits) - len(trimmed))
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}, nil
	}
	if len(d.digits) > maxDigits {
		return d, fmt.Errorf("the number %s has %d significant digits, DynamoDB keeps %d", s, len(d.digits), maxDigits)
	}
	if first := d.point - 1; first > maxExponent || first < minExponent {
		return d, fmt.Errorf("the number %s is out of DynamoDB's range, 1E%d to 9.99E%d", s, minExponent, maxExponent)
	}
	return d, nil
}

// String is the one plain decimal form of the number, which is the one that DynamoDB answers with.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.negative {
		b.WriteByte('-')
	}
	switch n := len(d.digits); {
	case d.point <= 0:
		b.WriteString("0." + strings.Repeat("0", -d.point) + d.digits)
	case d.point >= n:
		b.WriteString(d.digits + strings.Repeat("0", d.point-n))
	default:
		b.WriteString(d.digits[:d.point] + "." + d.digits[d.point:])
	}
	return b.String()
}

// size is what the number counts for in the size of an item: a byte, one for each pair of digits to either side of the
// decimal point, and one for the sign if it is negative.
func (d decimal) size() int {
	if d.digits == "" {
		return 1
	}
	// With an odd position of the point the first digit is a pair of its own.
	n := 1 + (len(d.digits)+d.point&1+1)/2
	if d.negative {
		n++
	}
	return n
}

// plainNumber is the canonical form of a number, for equality.
func plainNumber(s string) (string, error) {
	if isPlainInteger(s) {
		return s, nil
	}
	d, err := parseNumber(s)
	if err != nil {
		return s, err
	}
	return d.String(), nil
}

// isPlainInteger is the fast path: most numbers are integers in their one form already.
func isPlainInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > maxDigits || digits[0] == '0' {
		return s == "0"
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}
