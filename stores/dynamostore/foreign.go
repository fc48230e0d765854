package dynamostore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// foreign begins the canonical form of a primary key that is no K: a scan names it and goes on after it all the same,
// also after a restart. What follows is a JSON array of the key's attributes. No string in DynamoDB holds the byte 0xff.
const foreign = "\xff\x00dynamodb\x00"

var errForeign = errors.New("the key begins with bytes that are set aside for keys of other types")

// foreignKey is the canonical form of a key that is no K.
func (s *Store[K, V]) foreignKey(attrs Item) []byte {
	return append([]byte(foreign), s.showKey(attrs)...)
}

// showKey is a key as a JSON array, in the order of the schema.
func (s *Store[K, V]) showKey(attrs Item) []byte {
	out := []byte{'['}
	for i, a := range s.table.key {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendPart(out, attrs[a.name])
	}
	return append(out, ']')
}

// position is the primary key that a canonical form stands for.
func (s *Store[K, V]) position(canonical []byte) (Item, error) {
	if rest, ok := bytes.CutPrefix(canonical, []byte(foreign)); ok {
		return s.parseForeign(rest)
	}
	key, err := s.keys.Parse(canonical)
	if err != nil {
		return nil, err
	}
	k, err := s.key(key)
	return k.attrs, err
}

func (s *Store[K, V]) parseForeign(text []byte) (Item, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, err
	}
	if len(parts) != len(s.table.key) {
		return nil, fmt.Errorf("it has %d parts, the table has %v", len(parts), s.table.key)
	}
	attrs := make(Item, len(parts))
	for i, a := range s.table.key {
		av, err := parsePart(a.kind, parts[i])
		if err != nil {
			return nil, fmt.Errorf("key attribute %s: %w", a.name, err)
		}
		attrs[a.name] = av
	}
	return attrs, s.table.key.check(attrs)
}

// sameKey tells two primary keys that are the same to DynamoDB.
func (k keySchema) sameKey(x, y Item) bool {
	for _, a := range k {
		if !sameScalar(x[a.name], y[a.name]) {
			return false
		}
	}
	return len(x) == len(y)
}
