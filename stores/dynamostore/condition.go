package dynamostore

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// condition is the condition of a write as a ConditionExpression. Damaged metadata satisfies none, so that it is never
// overwritten: it is there, so the record is neither absent nor unstamped, and a stamp has its size and is not zero.
func (s *Store[K, V]) condition(e *expression, c stores.Condition) string {
	switch c.Kind {
	case stores.KindIfStamp:
		return s.exactly(e, c.Version)
	case stores.KindIfOlder:
		if c.Version.IsUnstamped() {
			return s.absent(e)
		}
		return anyOf(notExists(e.name(s.opts.Meta)), s.compared(e, "<", c.Version))
	default:
		var terms []string
		switch {
		case c.Version.IsAbsent():
			terms = append(terms, s.absent(e))
		case c.Version.IsUnstamped():
			terms = append(terms, notExists(e.name(s.opts.Meta)))
		default:
			terms = append(terms, notExists(e.name(s.opts.Meta)), s.compared(e, "<=", c.Version))
		}
		if !c.OrDead.IsUnknown() {
			terms = append(terms, s.exactly(e, c.OrDead))
		}
		return anyOf(terms...)
	}
}

func (s *Store[K, V]) exactly(e *expression, v stores.Version) string {
	switch {
	case v.IsAbsent():
		return s.absent(e)
	case !v.IsUnstamped():
		return s.stamp(e) + " = " + e.value(stampValue(v))
	case s.own.view:
		return all(notExists(e.name(s.opts.Meta)), s.ownsOne(e))
	default:
		return all(notExists(e.name(s.opts.Meta)), exists(e.name(s.table.key[0].name)))
	}
}

// absent holds when there is no record.
func (s *Store[K, V]) absent(e *expression) string {
	if !s.own.view {
		return notExists(e.name(s.table.key[0].name))
	}
	terms := []string{notExists(e.name(s.opts.Meta))}
	for _, name := range s.own.names {
		terms = append(terms, notExists(e.name(name)))
	}
	return strings.Join(terms, " AND ")
}

// ownsOne holds when one of the view's attributes is there.
func (s *Store[K, V]) ownsOne(e *expression) string {
	terms := make([]string, len(s.own.names))
	for i, name := range s.own.names {
		terms[i] = exists(e.name(name))
	}
	return anyOf(terms...)
}

// stamp is the path of the stored stamp.
func (s *Store[K, V]) stamp(e *expression) string {
	return e.name(s.opts.Meta) + "." + e.name(metaStamp)
}

// compared holds for a stored stamp, and nothing else that may be in its place, that compares so to v.
func (s *Store[K, V]) compared(e *expression, operator string, v stores.Version) string {
	stamp := s.stamp(e)
	return "size(" + stamp + ") = " + e.value(sizeValue) + " AND " + stamp + " > " + e.value(zeroValue) + " AND " + stamp + " " + operator + " " + e.value(stampValue(v))
}

// What a stamp is compared with, in each expression. They are only ever read.
var (
	sizeValue = &types.AttributeValueMemberN{Value: strconv.Itoa(stampSize)}
	zeroValue = &types.AttributeValueMemberB{Value: make([]byte, stampSize)}
)

// unchanged holds when the store's attributes are exactly those that were read.
func (s *Store[K, V]) unchanged(e *expression, read Item) string {
	names := s.own.names
	if s.own.whole() {
		names = sortedNames(read)
	}
	terms := []string{notExists(e.name(s.opts.Meta))}
	for _, name := range names {
		if av, ok := read[name]; !ok {
			terms = append(terms, notExists(e.name(name)))
		} else if !s.table.key.has(name) {
			terms = append(terms, e.name(name)+" = "+e.value(av))
		}
	}
	return strings.Join(terms, " AND ")
}
