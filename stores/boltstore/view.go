package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// ViewOptions of [View]. The zero value stores values as JSON, by encoding/json and its struct tags; numbers in an any
// come back as json.Number, so that none is rounded. A value that would come back as another one is refused as permanent: text that is
// not UTF-8, a time with an offset that has seconds, what a MarshalJSON leaves out (unless the type has an Equal method that calls the
// two equal). A type of which encoding/json leaves something out, as two fields of one name, is refused by View.
type ViewOptions[V any] struct {
	// Encode appends the stored form of v to dst and returns the result; it keeps neither. This pair of functions is
	// also how a V is mapped to the shape that records have had so far. Default JSON; set both or neither.
	Encode func(dst []byte, v V) ([]byte, error)
	// Decode is the inverse of Encode. The bytes are its own: it may keep them.
	Decode func(b []byte) (V, error)
}

// Store is a view of a file: a stores.Store with all capabilities of the contract. It is safe for concurrent use. A scan
// goes in the order of the canonical keys. Close the [DB], not the Store.
//
// A record is owned as a whole: a write replaces all of it, fields that V does not know included.
type Store[K, V any] struct {
	db     *DB
	bucket []byte
	keys   stores.KeyCodec[K]
	codec  codec[V]
}

// The longest name of a view, in bytes.
const maxName = 255

// View opens the view called name in db and makes it if it is not there. Opened a second time it is the same records:
// with another K or V they must have the same stored form. Errors of the arguments come all at once;
// stores.ErrClosed if db is closed.
func View[K, V any](db *DB, name string, keys stores.KeyCodec[K], o *ViewOptions[V]) (*Store[K, V], error) {
	if o == nil {
		o = &ViewOptions[V]{}
	}
	if err := checkView(db, name, keys == nil, (o.Encode == nil) != (o.Decode == nil)); err != nil {
		return nil, fmt.Errorf("boltstore: view %q: %w", name, err)
	}
	s := &Store[K, V]{db: db, bucket: []byte(name), keys: keys, codec: codec[V]{o.Encode, o.Decode}}
	if o.Encode == nil {
		var err error
		if s.codec, err = jsonCodec[V](); err != nil {
			return nil, fmt.Errorf("boltstore: view %q: %w", name, err)
		}
	}
	if err := db.ensure(s.bucket); err != nil {
		return nil, fmt.Errorf("boltstore: view %q: %w", name, err)
	}
	return s, nil
}

func checkView(db *DB, name string, noKeys, halfCodec bool) error {
	var errs []error
	if db == nil {
		errs = append(errs, errors.New("a DB is needed"))
	}
	if name == "" || len(name) > maxName || reserved(name) {
		errs = append(errs, fmt.Errorf("a name has 1 to %d bytes and does not begin with %q", maxName, reservedPrefix))
	}
	if noKeys {
		errs = append(errs, errors.New("a key codec is needed"))
	}
	if halfCodec {
		errs = append(errs, errors.New("of Encode and Decode, both are needed or neither"))
	}
	return errors.Join(errs...)
}

// ensure makes a bucket that is not there.
func (d *DB) ensure(bucket []byte) error {
	there := false
	err := d.view(func(tx *bbolt.Tx) error {
		there = tx.Bucket(bucket) != nil
		return nil
	})
	if err != nil || there {
		return err
	}
	j := newJob()
	defer j.free()
	j.add(op{kind: opCreate, bucket: bucket})
	d.writes.do(context.Background(), j)
	return j.outcome(0)
}

// Keys is the codec that the view was opened with.
func (s *Store[K, V]) Keys() stores.KeyCodec[K] { return s.keys }

// Get reads one record. See stores.Store.
func (s *Store[K, V]) Get(ctx context.Context, key K) (stores.Record[V], error) {
	if err := ctx.Err(); err != nil {
		return stores.Record[V]{}, err
	}
	k, err := s.appendKey(nil, key)
	if err != nil {
		return stores.Record[V]{}, err
	}
	var raw []byte
	err = s.read(func(b *bbolt.Bucket) error {
		raw = bytes.Clone(b.Get(k))
		return nil
	})
	if err != nil {
		return stores.Record[V]{}, err
	}
	return s.decode(k, raw)
}

// Put carries out one conditional write. See stores.Store.
func (s *Store[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	j := newJob()
	defer j.free()
	if err := s.add(j, &w); err != nil {
		return err
	}
	s.db.writes.do(ctx, j)
	return j.outcome(0)
}

// read runs fn on the view's bucket in a read transaction.
func (s *Store[K, V]) read(fn func(*bbolt.Bucket) error) error {
	return s.db.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(s.bucket)
		if b == nil {
			return fmt.Errorf("boltstore: the file has no view %q any more", s.bucket)
		}
		return fn(b)
	})
}

// decode makes a record of what a read found; nil is no record. It is called outside of transactions, as Decode is the
// caller's code, and with bytes that nobody else has.
func (s *Store[K, V]) decode(key, raw []byte) (r stores.Record[V], err error) {
	if raw == nil {
		return r, stores.ErrNotFound
	}
	m, value, err := cutMeta(raw)
	if err == nil && !m.Deleted {
		r.Value, err = s.codec.decode(value)
	}
	if err != nil {
		return stores.Record[V]{}, &stores.RecordError{Key: key, Err: err}
	}
	r.Meta = m
	return r, nil
}
