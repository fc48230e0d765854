package dynamostore

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// meta is the version and the flags of a stored item, nil for none, as they are stored: expiry is not looked at.
func (s *Store[K, V]) meta(item Item) (stores.Meta, error) {
	if av, ok := item[s.opts.Meta]; ok {
		return parseMeta(av)
	}
	there := item != nil
	if s.own.view {
		there = slices.ContainsFunc(s.own.names, func(name string) bool { _, ok := item[name]; return ok })
	}
	if there {
		return stores.Meta{Version: stores.Unstamped}, nil
	}
	return stores.Meta{Version: stores.Absent}, nil
}

// record makes a record of what a read found. It takes the item over. ErrNotFound if it is no record.
func (s *Store[K, V]) record(k itemKey, item Item) (r stores.Record[V], err error) {
	return s.countedRecord(nil, k, item)
}

// countedRecord is record for a scan that counts what has expired, unless counts is nil.
func (s *Store[K, V]) countedRecord(counts *stores.ExpiryCounts, k itemKey, item Item) (r stores.Record[V], err error) {
	if r.Meta, err = s.meta(item); err != nil {
		return stores.Record[V]{}, s.damaged(k, err)
	}
	if r.Version.IsAbsent() {
		return stores.Record[V]{}, stores.ErrNotFound
	}
	if r.Deleted {
		return r, nil
	}
	kept := s.neverRemoved(item)
	if r.Value, err = s.decode(item); err != nil {
		return stores.Record[V]{}, s.damaged(k, err)
	}
	expired, longPast := s.expiry(r.Value)
	if longPast && counts != nil {
		counts.LongPast.Add(1)
	}
	if expired && !kept {
		if r.Meta = expire(r.Meta); r.Version.IsAbsent() {
			if counts != nil {
				counts.Passed.Add(1)
			}
			return stores.Record[V]{}, stores.ErrNotFound
		}
		return stores.Record[V]{Meta: r.Meta}, nil
	}
	return r, nil
}

func (s *Store[K, V]) damaged(k itemKey, err error) error {
	return &stores.RecordError{Key: k.canonical, Err: fmt.Errorf("dynamostore: table %s: %w", s.table.name, err)}
}

// decode makes a value of an item, which it takes over.
func (s *Store[K, V]) decode(item Item) (V, error) {
	delete(item, s.opts.Meta)
	maps.DeleteFunc(item, func(name string, _ types.AttributeValue) bool {
		if s.table.key.has(name) {
			return s.codec.isMap
		}
		return !s.own.has(name)
	})
	tidyItem(item)
	if s.codec.names != nil {
		takeOut(item, s.codec.names)
	}
	return s.codec.decode(item)
}

// expiry tells whether a value has expired as DynamoDB sees it, which removes nothing whose time is more than five years past: an
// attribute of 0 is how a table says "never". longPast is such a time that is not 0.
func (s *Store[K, V]) expiry(v V) (expired, longPast bool) {
	if s.opts.ExpiresAt == nil {
		return false, false
	}
	at, now := s.opts.ExpiresAt(v), s.now()
	seconds := at.Unix() // as of milliseconds that are taken for seconds: time.Time itself may wrap around
	switch {
	case at.IsZero(), seconds > now.Unix(), seconds == now.Unix() && at.Nanosecond() > now.Nanosecond():
		return false, false
	case seconds < now.AddDate(-removedWithin, 0, 0).Unix():
		return false, seconds != 0
	default:
		return true, false
	}
}

// removedWithin is how many years after its time DynamoDB still removes an item.
const removedWithin = 5

// neverRemoved tells an item whose attribute for Time to Live is no number: DynamoDB passes over it.
func (s *Store[K, V]) neverRemoved(item Item) bool {
	av, there := item[s.table.ttl]
	_, number := av.(*types.AttributeValueMemberN)
	return s.table.ttl != "" && there && !number
}

// expire is how the metadata of a record that has expired reads.
func expire(m stores.Meta) stores.Meta {
	if m.Version.IsUnstamped() {
		return stores.Meta{Version: stores.Absent}
	}
	m.Deleted = true
	return m
}

// shown is the metadata that readers see of an item, for refusals. It does not change the item. A value that does not
// decode has not expired.
func (s *Store[K, V]) shown(item Item) (stores.Meta, error) {
	m, err := s.meta(item)
	if err != nil || s.opts.ExpiresAt == nil || m.Deleted || m.Version.IsAbsent() {
		return m, err
	}
	if s.neverRemoved(item) {
		return m, nil
	}
	if v, err := s.decode(cloneItem(item)); err == nil {
		if expired, _ := s.expiry(v); expired {
			return expire(m), nil
		}
	}
	return m, nil
}

// parseKey reads the key off an item.
func (s *Store[K, V]) parseKey(item Item) (key K, k itemKey, err error) {
	k.attrs = make(Item, len(s.table.key))
	for _, a := range s.table.key {
		k.attrs[a.name] = tidy(item[a.name])
	}
	if key, err = s.keyMap.decode(k.attrs); err == nil {
		err = s.checkInverse(key, k.attrs)
	}
	if err != nil {
		return key, k, err
	}
	if k.canonical, err = s.keys.Append(nil, key); err == nil && bytes.HasPrefix(k.canonical, []byte(foreign)) {
		err = errForeign
	}
	return key, k, err
}

// checkInverse finds a DecodeKey that takes the key of one item for that of another one: two items would be one record, and
// a scan could not go on after the first.
func (s *Store[K, V]) checkInverse(key K, attrs Item) error {
	if s.opts.DecodeKey == nil {
		return nil
	}
	back, err := s.keyMap.encode(key)
	if err == nil && !s.table.key.sameKey(back, attrs) {
		err = fmt.Errorf("DecodeKey makes %v of it, which EncodeKey makes another key of: for an item of another kind return ErrOtherKind", key)
	}
	return err
}

func sortedNames(m Item) []string { return slices.Sorted(maps.Keys(m)) }
