package dynamostore

import (
	"fmt"
	"math/big"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// The application's own optimistic lock, Options.Guard. Its number goes through big.Int: it may have 38 digits.

// encodeGuard takes the guard out of the value: what is stored is a greater one.
func (s *Store[K, V]) encodeGuard(c *change) error {
	if s.opts.Guard == "" {
		return nil
	}
	guard, ok := guardOf(c.item[s.opts.Guard])
	if !ok {
		return fmt.Errorf("its %s, the guard, is no integer", s.opts.Guard)
	}
	c.guard = guard
	c.item[s.opts.Guard] = c.nextGuard()
	return nil
}

// storedGuard is the guard of an item; one that is no number counts as none.
func (s *Store[K, V]) storedGuard(item Item) *big.Int {
	guard, ok := guardOf(item[s.opts.Guard])
	if !ok {
		return new(big.Int)
	}
	return guard
}

// guardOf reads a guard; none is 0.
func guardOf(av types.AttributeValue) (*big.Int, bool) {
	switch av := av.(type) {
	case nil, *types.AttributeValueMemberNULL:
		return new(big.Int), true
	case *types.AttributeValueMemberN:
		return new(big.Int).SetString(tidyNumber(av.Value), 10)
	default:
		return nil, false
	}
}

// comparesGuard tells the writes that the application's lock is for: those that replace what their caller has read.
func (c *change) comparesGuard() bool {
	return c.cond.Kind == stores.KindIfStamp && !c.cond.Version.IsAbsent()
}

// guardCondition is the part of the condition that keeps the guard from going back.
func (s *Store[K, V]) guardCondition(e *expression, c *change) string {
	if c.guard == nil {
		return ""
	}
	name, known := e.name(s.opts.Guard), e.value(&types.AttributeValueMemberN{Value: c.guard.String()})
	if !c.comparesGuard() {
		return anyOf(notExists(name), name+" <= "+known)
	}
	if c.guard.Sign() == 0 {
		return anyOf(notExists(name), name+" = "+known)
	}
	return name + " = " + known
}

// nextGuard is the number that the change stores.
func (c *change) nextGuard() types.AttributeValue {
	return &types.AttributeValueMemberN{Value: new(big.Int).Add(c.guard, big.NewInt(1)).String()}
}
