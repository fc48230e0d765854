package dynamostore

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression collects the names and values of one request. Both are always placeholders in its text, so that no name is
// a reserved word and none is read as syntax.
type expression struct {
	names  map[string]string // by placeholder
	values Item              // by placeholder
	byName map[string]string
}

// newExpression has room for a small record.
func newExpression() *expression {
	return &expression{names: make(map[string]string, 8), values: make(Item, 8), byName: make(map[string]string, 8)}
}

// placeholders are the first ones, which almost all requests are content with.
var namePlaceholders, valuePlaceholders = numbered('#'), numbered(':')

func numbered(sign byte) (all [32]string) {
	for i := range all {
		all[i] = string(rune(sign)) + strconv.Itoa(i)
	}
	return all
}

func placeholder(known *[32]string, sign string, i int) string {
	if i < len(known) {
		return known[i]
	}
	return sign + strconv.Itoa(i)
}

// name is the placeholder of an attribute or of a part of a map.
func (e *expression) name(n string) string {
	p, ok := e.byName[n]
	if !ok {
		p = placeholder(&namePlaceholders, "#", len(e.names))
		e.names[p], e.byName[n] = n, p
	}
	return p
}

// value is the placeholder of a value.
func (e *expression) value(av types.AttributeValue) string {
	p := placeholder(&valuePlaceholders, ":", len(e.values))
	e.values[p] = av
	return p
}

// nilIfEmpty is for requests, which refuse an empty map.
func nilIfEmpty[M ~map[K]V, K comparable, V any](m M) M {
	if len(m) == 0 {
		return nil
	}
	return m
}

// all joins two terms, of which either may be empty.
func all(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return "(" + a + ") AND (" + b + ")"
	}
}

func anyOf(terms ...string) string { return strings.Join(terms, " OR ") }

func exists(name string) string    { return "attribute_exists(" + name + ")" }
func notExists(name string) string { return "attribute_not_exists(" + name + ")" }
