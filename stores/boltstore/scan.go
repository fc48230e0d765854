package boltstore

import (
	"bytes"
	"context"
	"iter"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// A scan reads pages of at most this many records and about so many bytes, each in a transaction of its own. The first
// page is short, for loops that end early.
const (
	firstPage = 32
	pageOps   = 512
	pageBytes = 256 << 10
)

// Scan yields the records of a segment in the order of their canonical keys. See stores.Store.
func (s *Store[K, V]) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	after = bytes.Clone(after)
	return func(yield func(stores.Entry[K, V], error) bool) {
		var none stores.Entry[K, V]
		span, err := parseSegment(seg)
		if err != nil {
			yield(none, err)
			return
		}
		p := page{pos: span.from, end: span.to, limit: firstPage}
		p.skip(after)
		for p.more = true; p.more; p.limit = min(2*p.limit, pageOps) {
			if err := s.readPage(ctx, &p); err != nil {
				yield(none, err)
				return
			}
			for key, raw := range p.records {
				if err := ctx.Err(); err != nil {
					yield(none, err)
					return
				}
				if !yield(s.entry(key, raw)) {
					return
				}
			}
		}
		if err := s.stillThere(); err != nil {
			yield(none, err)
		}
	}
}

// entry decodes one record of a page.
func (s *Store[K, V]) entry(key, raw []byte) (e stores.Entry[K, V], err error) {
	if e.Record, err = s.decode(key, raw); err != nil {
		return e, err
	}
	if e.Key, err = s.keys.Parse(key); err != nil {
		return stores.Entry[K, V]{}, &stores.RecordError{Key: key, Foreign: true, Err: err}
	}
	return e, nil
}

// stillThere finds out at the end of a scan whether what it has read can still be found where it was.
func (s *Store[K, V]) stillThere() error {
	if err := s.read(func(*bbolt.Bucket) error { return nil }); err != nil {
		return err
	}
	return s.db.sameFile()
}

func (s *Store[K, V]) readPage(ctx context.Context, p *page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.read(func(b *bbolt.Bucket) error {
		p.fill(b.Cursor())
		return nil
	})
}

// page is a piece of a bucket, copied out of the transaction it was read in. Its memory is fresh for every fill, so that
// Decode may keep what it is given.
type page struct {
	pos  []byte // where the next fill begins
	past bool   // pos itself was read already
	end  []byte // nil is the end of the bucket
	more bool

	limit int
	raw   []byte
	ends  []int // of each key and each record in raw
}

// skip makes the page begin behind a key, if that is not behind pos itself.
func (p *page) skip(after []byte) {
	if after != nil && bytes.Compare(after, p.pos) >= 0 {
		p.pos, p.past = after, true
	}
}

func (p *page) fill(c *bbolt.Cursor) {
	p.raw, p.ends = make([]byte, 0, min(cap(p.raw), pageBytes)), p.ends[:0]
	p.more = false
	k, v := c.Seek(p.pos)
	if p.past && k != nil && bytes.Equal(k, p.pos) {
		k, v = c.Next()
	}
	for ; k != nil && (p.end == nil || bytes.Compare(k, p.end) < 0); k, v = c.Next() {
		if n := len(p.ends) / 2; n >= p.limit || n > 0 && len(p.raw)+len(k)+len(v) > pageBytes {
			p.more = true
			return
		}
		p.raw = append(p.raw, k...)
		p.pos, p.past = p.raw[len(p.raw)-len(k):], true
		p.raw = append(p.raw, v...)
		p.ends = append(p.ends, len(p.raw)-len(v), len(p.raw))
	}
}

// records yields each key with its record.
func (p *page) records(yield func(key, raw []byte) bool) {
	at := 0
	for i := 0; i < len(p.ends); i += 2 {
		k, v := p.ends[i], p.ends[i+1]
		if !yield(p.raw[at:k:k], p.raw[k:v:v]) {
			return
		}
		at = v
	}
}
