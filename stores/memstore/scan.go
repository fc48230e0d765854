package memstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"

	"github.com/dualwrite/dualwrite/stores"
)

// pageSize is how many entries a scan copies under the lock at a time.
const pageSize = 256

// Scan implements [stores.Store], in the order of the canonical keys. What it yields may be up to a page of 256 records
// old.
func (s *Store[K, V]) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	start, end, bad := cutSegment(seg)
	resume := after != nil && string(after) >= start
	if resume {
		start = string(after)
	}
	return func(yield func(stores.Entry[K, V], error) bool) {
		if bad != nil {
			yield(stores.Entry[K, V]{}, bad)
			return
		}
		from, skip := start, resume
		page := make([]entry[V], 0, pageSize)
		for {
			if err := s.ready(ctx); err != nil {
				yield(stores.Entry[K, V]{}, err)
				return
			}
			s.mu.RLock()
			page = s.index.page(page, from, skip, end)
			s.mu.RUnlock()
			if !s.yieldPage(ctx, page, yield) || len(page) < cap(page) {
				return
			}
			from, skip = page[len(page)-1].key, true
		}
	}
}

// yieldPage tells whether the scan goes on.
func (s *Store[K, V]) yieldPage(ctx context.Context, page []entry[V], yield func(stores.Entry[K, V], error) bool) bool {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	for i := range page {
		if err := s.ready(ctx); err != nil {
			yield(stores.Entry[K, V]{}, err)
			return false
		}
		*buf = append((*buf)[:0], page[i].key...)
		if !yield(s.decode(*buf, &page[i])) {
			return false
		}
	}
	return true
}

// decode makes what a scan yields of an entry.
func (s *Store[K, V]) decode(canonical []byte, e *entry[V]) (stores.Entry[K, V], error) {
	key, err := s.keys.Parse(canonical)
	if err != nil {
		return stores.Entry[K, V]{}, &stores.RecordError{Key: []byte(e.key), Foreign: true, Err: err}
	}
	r, err := s.codec.unpack(e.meta, e.cell)
	if err != nil {
		return stores.Entry[K, V]{}, &stores.RecordError{Key: []byte(e.key), Err: err}
	}
	return stores.Entry[K, V]{Key: key, Record: r}, nil
}

// Segments implements [stores.Segmenter]: ranges of canonical keys that hold about as many records each now.
func (s *Store[K, V]) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	bounds, err := s.bounds(ctx, n)
	if err != nil {
		return nil, err
	}
	segs := make([]stores.Segment, 0, len(bounds)+1)
	from := ""
	for _, b := range bounds {
		segs = append(segs, joinSegment(from, b))
		from = b
	}
	return append(segs, joinSegment(from, "")), nil
}

// Bounds implements [stores.KeyOrdered].
func (s *Store[K, V]) Bounds(ctx context.Context, n int) ([][]byte, error) {
	bounds, err := s.bounds(ctx, n)
	keys := make([][]byte, len(bounds))
	for i, b := range bounds {
		keys[i] = []byte(b)
	}
	return keys, err
}

func (s *Store[K, V]) bounds(ctx context.Context, n int) ([]string, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.bounds(n), nil
}

// Range implements [stores.KeyOrdered].
func (s *Store[K, V]) Range(from, to []byte) (stores.Segment, error) {
	return joinSegment(string(from), string(to)), nil
}

// joinSegment names the keys from one on and before another (no end if empty), in hexadecimal.
func joinSegment(from, end string) stores.Segment {
	return stores.Segment(hex.EncodeToString([]byte(from)) + "-" + hex.EncodeToString([]byte(end)))
}

func cutSegment(seg stores.Segment) (from, end string, err error) {
	if seg == "" {
		return "", "", nil
	}
	a, b, ok := strings.Cut(string(seg), "-")
	lo, errLo := hex.DecodeString(a)
	hi, errHi := hex.DecodeString(b)
	if !ok || errLo != nil || errHi != nil {
		return "", "", stores.Permanent(fmt.Errorf("memstore: %q is no segment of a memstore", seg))
	}
	return string(lo), string(hi), nil
}
