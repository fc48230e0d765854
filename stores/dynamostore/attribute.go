package dynamostore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is a native item, or a part of one: attributes by name. As the V of a [Store] it is the raw item without its key
// and metadata, of which nothing is lost: numbers keep up to 38 digits, sets stay sets.
type Item = map[string]types.AttributeValue

const (
	// maxDepth is how many lists and maps DynamoDB lets be around a value. Its documents count 32 levels, the value's own
	// among them.
	maxDepth = 31
	// maxName is the most that a name may have, in bytes and at every depth.
	maxName = 1<<16 - 1
)

// tidy brings a value that nobody else has into its one form: numbers in plain decimal, sets sorted, nothing nil. So
// what DynamoDB returns is deeply equal to what was stored if and only if it is the same. What is no number stays.
func tidy(av types.AttributeValue) types.AttributeValue {
	switch v := av.(type) {
	case *types.AttributeValueMemberN:
		v.Value = tidyNumber(v.Value)
	case *types.AttributeValueMemberB:
		if v.Value == nil {
			v.Value = []byte{}
		}
	case *types.AttributeValueMemberSS:
		slices.Sort(v.Value)
	case *types.AttributeValueMemberNS:
		for i, n := range v.Value {
			v.Value[i] = tidyNumber(n)
		}
		slices.SortFunc(v.Value, compareNumbers)
	case *types.AttributeValueMemberBS:
		slices.SortFunc(v.Value, bytes.Compare)
	case *types.AttributeValueMemberL:
		if v.Value == nil {
			v.Value = []types.AttributeValue{}
		}
		for i := range v.Value {
			v.Value[i] = tidy(v.Value[i])
		}
	case *types.AttributeValueMemberM:
		if v.Value == nil {
			v.Value = Item{}
		}
		tidyItem(v.Value)
	}
	return av
}

func tidyItem(m Item) {
	for name, av := range m {
		m[name] = tidy(av)
	}
}

func tidyNumber(s string) string {
	if plain, err := plainNumber(s); err == nil {
		return plain
	}
	return s
}

// compareNumbers orders plain numbers: any order would do that depends on the numbers alone.
func compareNumbers(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// clone is a deep copy.
func clone(av types.AttributeValue) types.AttributeValue {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: v.Value}
	case *types.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: v.Value}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: bytes.Clone(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Value}
	case *types.AttributeValueMemberNULL:
		return &types.AttributeValueMemberNULL{Value: v.Value}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberBS:
		all := make([][]byte, len(v.Value))
		for i := range all {
			all[i] = bytes.Clone(v.Value[i])
		}
		return &types.AttributeValueMemberBS{Value: all}
	case *types.AttributeValueMemberL:
		all := make([]types.AttributeValue, len(v.Value))
		for i := range all {
			all[i] = clone(v.Value[i])
		}
		return &types.AttributeValueMemberL{Value: all}
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: cloneItem(v.Value)}
	default:
		return av
	}
}

func cloneItem(m Item) Item {
	out := make(Item, len(m))
	for name, av := range m {
		out[name] = clone(av)
	}
	return out
}

// sizeOf is how much a value counts for in the size of an item, by the documented rule. What DynamoDB would refuse, or
// the wire format would change silently, is an error. depth is how many lists and maps are around the value.
func sizeOf(av types.AttributeValue, depth int) (int, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("more than %d lists and maps are around a value", maxDepth)
	}
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return textSize(v.Value)
	case *types.AttributeValueMemberN:
		d, err := parseNumber(v.Value)
		return d.size(), err
	case *types.AttributeValueMemberB:
		return len(v.Value), nil
	case *types.AttributeValueMemberBOOL:
		return 1, nil
	case *types.AttributeValueMemberNULL:
		if !v.Value {
			return 0, errors.New("a NULL is true or not there")
		}
		return 1, nil
	case *types.AttributeValueMemberSS:
		return setSize(v.Value, textSize, func(s string) string { return s })
	case *types.AttributeValueMemberNS:
		return setSize(v.Value, func(s string) (int, error) {
			d, err := parseNumber(s)
			return d.size(), err
		}, tidyNumber)
	case *types.AttributeValueMemberBS:
		return setSize(v.Value, func(b []byte) (int, error) { return len(b), nil }, func(b []byte) string { return string(b) })
	case *types.AttributeValueMemberL:
		return listSize(v.Value, depth)
	case *types.AttributeValueMemberM:
		return mapSize(v.Value, depth)
	default:
		return 0, fmt.Errorf("%T is no value that DynamoDB knows", av)
	}
}

func textSize(s string) (int, error) {
	if !utf8.ValidString(s) {
		return 0, fmt.Errorf("the string %q is not valid UTF-8, and would be stored as another one", s)
	}
	return len(s), nil
}

func setSize[E any](set []E, size func(E) (int, error), same func(E) string) (total int, err error) {
	if len(set) == 0 {
		return 0, errors.New("a set is never empty")
	}
	seen := make(map[string]bool, len(set))
	for _, e := range set {
		n, err := size(e)
		if err != nil {
			return 0, err
		}
		total += n
		seen[same(e)] = true
	}
	if len(seen) != len(set) {
		return 0, errors.New("a set has the same element twice")
	}
	return total, nil
}

// Each list and map counts 3 bytes, and 1 for each element.
func listSize(list []types.AttributeValue, depth int) (int, error) {
	total := 3
	for i, av := range list {
		n, err := sizeOf(av, depth+1)
		if err != nil {
			return 0, fmt.Errorf("element %d: %w", i, err)
		}
		total += 1 + n
	}
	return total, nil
}

func mapSize(m Item, depth int) (int, error) {
	n, err := itemSize(m, depth+1)
	return 3 + len(m) + n, err
}

// itemSize is the size of all attributes with their names.
func itemSize(m Item, depth int) (total int, err error) {
	for name, av := range m {
		if _, err := textSize(name); err != nil || name == "" {
			return 0, fmt.Errorf("%q is no name of an attribute", name)
		}
		if len(name) > maxName {
			return 0, fmt.Errorf("the name %.50q… has %d bytes, DynamoDB takes at most %d", name, len(name), maxName)
		}
		n, err := sizeOf(av, depth)
		if err != nil {
			return 0, fmt.Errorf("attribute %s: %w", name, err)
		}
		total += len(name) + n
	}
	return total, nil
}
