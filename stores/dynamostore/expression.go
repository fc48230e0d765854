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

func newExpression() *expression {
	return &expression{names: map[string]string{}, values: Item{}, byName: map[string]string{}}
}

// name is the placeholder of an attribute or of a part of a map.
func (e *expression) name(n string) string {
	p, ok := e.byName[n]
	if !ok {
		p = "#" + strconv.Itoa(len(e.names))
		e.names[p], e.byName[n] = n, p
	}
	return p
}

// value is the placeholder of a value.
func (e *expression) value(av types.AttributeValue) string {
	p := ":" + strconv.Itoa(len(e.values))
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

// all joins the terms that are there.
func all(terms ...string) string {
	var kept []string
	for _, t := range terms {
		if t != "" {
			kept = append(kept, t)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return "(" + strings.Join(kept, ") AND (") + ")"
}

func anyOf(terms ...string) string { return strings.Join(terms, " OR ") }

func exists(name string) string    { return "attribute_exists(" + name + ")" }
func notExists(name string) string { return "attribute_not_exists(" + name + ")" }
