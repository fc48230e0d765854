package dynamostore

import (
	"math/big"
	"strings"
)

// exactly reads a number as a fraction, by the standard library alone.
func exactly(s string) (*big.Rat, bool) {
	return new(big.Rat).SetString(strings.TrimSpace(s))
}
