package dynamostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/stores"
)

// Store is a view of a table: a stores.Store with all capabilities of the contract. It is safe for concurrent use. It
// does not own the client and has nothing to close.
type Store[K, V any] struct {
	client *dynamodb.Client
	table  table
	opts   *Options[K, V]
	keyMap keyMap[K]
	keys   stores.KeyCodec[K]
	codec  codec[V]
	own    ownership
	// indexes are the keys of indexes that a write can violate.
	indexes []indexKey
	now     func() time.Time

	// noInsert says that the server has no PartiQL.
	noInsert atomic.Bool
	// direct is how many of the next writes of batches are not tried as insertions first: most of the last were refused.
	direct atomic.Int64
}

// New opens a table as a store. It asks DynamoDB for the table's key, the keys of its indexes and Time to Live, and changes
// nothing. All that is wrong with the arguments, or does not fit the table, is said at once. When indexes are added to the
// table or removed, open it again.
func New[K, V any](ctx context.Context, client *dynamodb.Client, tableName string, o *Options[K, V]) (*Store[K, V], error) {
	opts := o.withDefaults()
	s := &Store[K, V]{client: client, opts: opts, now: time.Now}
	var errs []error
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if client == nil {
		add(errors.New("a client is needed"))
	}
	if tableName == "" {
		add(errors.New("the name of the table is needed"))
	}
	add(opts.check())
	var err error
	s.codec, err = newCodec(opts)
	add(err)
	if s.keys = opts.Keys; s.keys == nil {
		s.keys, err = KeysOf[K]()
		add(err)
	}
	if client != nil && tableName != "" {
		if s.table, err = describeTable(ctx, client, tableName); err != nil {
			add(err)
		} else {
			add(s.fit())
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("dynamostore: table %q: %w", tableName, errors.Join(errs...))
	}
	return s, nil
}

// fit finds out whether key and value fit the table.
func (s *Store[K, V]) fit() error {
	var errKey, errOwn error
	if s.opts.EncodeKey != nil {
		s.keyMap = keyMap[K]{s.opts.EncodeKey, s.opts.DecodeKey}
	} else {
		s.keyMap, errKey = newKeyMap[K](s.table.key)
	}
	s.own, errOwn = newOwnership(s.opts, s.codec, s.table.key)
	s.indexes = s.table.violable(s.own)
	return errors.Join(errKey, errOwn, s.table.checkMeta(s.opts.Meta), s.table.checkTTL(s.opts.ExpiresAt != nil, s.own))
}

// Keys is the canonical form of keys, of Options.Keys or [KeysOf].
func (s *Store[K, V]) Keys() stores.KeyCodec[K] { return s.keys }

// Get reads one record, strongly consistent. See stores.Store.
func (s *Store[K, V]) Get(ctx context.Context, key K) (stores.Record[V], error) {
	if err := ctx.Err(); err != nil {
		return stores.Record[V]{}, err
	}
	k, err := s.key(key)
	if err != nil {
		return stores.Record[V]{}, err
	}
	item, err := s.getItem(ctx, k)
	if err != nil {
		return stores.Record[V]{}, err
	}
	return s.record(k, item)
}

// itemKey is a key in both its forms.
type itemKey struct {
	canonical []byte
	attrs     Item
}

// key maps a key. The error Is stores.ErrPermanent.
func (s *Store[K, V]) key(key K) (k itemKey, err error) {
	if k.canonical, err = s.keys.Append(nil, key); err != nil {
		return k, stores.Permanent(err)
	}
	if k.attrs, err = s.keyMap.encode(key); err == nil {
		err = s.table.key.check(k.attrs)
	}
	if err == nil && bytes.HasPrefix(k.canonical, []byte(foreign)) {
		err = errForeign
	}
	if err != nil {
		return k, stores.Permanent(s.fail("key", k, err))
	}
	return k, nil
}

// fail names the table and the key of what went wrong.
func (s *Store[K, V]) fail(what string, k itemKey, err error) error {
	return fmt.Errorf("dynamostore: table %s: %s of %s: %w", s.table.name, what, stores.FormatKey(k.canonical), err)
}
