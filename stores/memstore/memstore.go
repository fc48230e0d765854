package memstore

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/stores"
)

// Store is a [stores.Store] in memory with every optional capability. It is safe for concurrent use; the caller's loop
// body, codec and copy function run without its lock.
type Store[K, V any] struct {
	keys    stores.KeyCodec[K]
	codec   codec[V]
	closed  atomic.Bool
	buffers sync.Pool // of *[]byte, for canonical keys

	mu    sync.RWMutex
	index index[V]
}

// Options say how values are kept. The zero value keeps them as JSON; numbers in an `any` come back as json.Number,
// so that none is rounded, and what encoding/json leaves out (unexported fields) is not kept. A value that would come back as another
// one, as text that is not UTF-8, is refused as permanent.
type Options[V any] struct {
	// Clone keeps values as they are and returns a copy that shares nothing with its argument. It is faster than a
	// codec, and carries what JSON can not. It may be called concurrently for one value. Default nil: a codec.
	Clone func(V) V
	// Encode and Decode replace JSON; give both or neither, and not together with Clone. A value that Encode returns
	// an error for is refused as permanent; one that Decode returns an error for does not decode. Neither keeps its
	// argument. Default nil: JSON.
	Encode func(V) ([]byte, error)
	Decode func([]byte) (V, error)
}

func (o *Options[V]) validate() error {
	var errs []error
	if (o.Encode == nil) != (o.Decode == nil) {
		errs = append(errs, errors.New("memstore: give both Encode and Decode, or neither"))
	}
	if o.Clone != nil && (o.Encode != nil || o.Decode != nil) {
		errs = append(errs, errors.New("memstore: give Clone or a codec, not both"))
	}
	return errors.Join(errs...)
}

// New returns an empty store. The error names everything that is wrong with the arguments.
func New[K, V any](keys stores.KeyCodec[K], o *Options[V]) (*Store[K, V], error) {
	if o == nil {
		o = &Options[V]{}
	}
	err := o.validate()
	if keys == nil {
		err = errors.Join(errors.New("memstore: a key codec is needed, as stores.StringKeys"), err)
	}
	if err != nil {
		return nil, err
	}
	codec, err := newCodec(o)
	if err != nil {
		return nil, err
	}
	return &Store[K, V]{
		keys:    keys,
		codec:   codec,
		buffers: sync.Pool{New: func() any { return new([]byte) }},
		index:   newIndex[V](),
	}, nil
}

// Keys is the codec given to [New].
func (s *Store[K, V]) Keys() stores.KeyCodec[K] { return s.keys }

// Get implements [stores.Store].
func (s *Store[K, V]) Get(ctx context.Context, key K) (stores.Record[V], error) {
	if err := s.ready(ctx); err != nil {
		return stores.Record[V]{}, err
	}
	return s.get(key)
}

// Put implements [stores.Store].
func (s *Store[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.put(&w)
}

// Close makes every later call answer [stores.ErrClosed]. It always returns nil.
func (s *Store[K, V]) Close() error {
	s.closed.Store(true)
	return nil
}

func (s *Store[K, V]) ready(ctx context.Context) error {
	if s.closed.Load() {
		return stores.ErrClosed
	}
	return ctx.Err()
}

func (s *Store[K, V]) get(key K) (stores.Record[V], error) {
	buf, err := s.canonical(key)
	defer s.buffers.Put(buf)
	if err != nil {
		return stores.Record[V]{}, err
	}
	m, kept, ok := s.lookUp(*buf)
	if !ok {
		return stores.Record[V]{}, stores.ErrNotFound
	}
	r, err := s.codec.unpack(m, kept)
	if err != nil {
		return stores.Record[V]{}, &stores.RecordError{Key: bytes.Clone(*buf), Err: err}
	}
	return r, nil
}

func (s *Store[K, V]) lookUp(key []byte) (stores.Meta, cell[V], bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.index.get(key); e != nil {
		return e.meta, e.cell, true
	}
	return stores.Meta{}, cell[V]{}, false
}

func (s *Store[K, V]) put(w *stores.Write[K, V]) error {
	buf, kept, err := s.prepare(w)
	defer s.buffers.Put(buf)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.refuse(*buf, w.If); err != nil {
		return err
	}
	s.index.set(*buf, w.MetaOver(s.index.stored(*buf).Version), kept)
	return nil
}

// prepare does all of a write that needs no lock. The buffer holds the canonical key; the caller gives it back, after
// an error too.
func (s *Store[K, V]) prepare(w *stores.Write[K, V]) (buf *[]byte, kept cell[V], err error) {
	buf, err = s.canonical(w.Key)
	if err == nil {
		err = w.Validate()
	}
	if err == nil {
		kept, err = s.codec.pack(&w.Record)
	}
	return buf, kept, err
}

// canonical encodes a key into a buffer that the caller gives back to s.buffers.
func (s *Store[K, V]) canonical(key K) (*[]byte, error) {
	buf := s.buffers.Get().(*[]byte)
	b, err := s.keys.Append((*buf)[:0], key)
	*buf = b
	return buf, err
}
