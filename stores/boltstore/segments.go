package boltstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// A segment is a range of canonical keys: its text is a version, the first key and the one after the last, in
// hexadecimal. An empty bound is none. So it means the same keys for ever, whatever is written later.
const segmentPrefix = "1:"

type keyRange struct{ from, to []byte }

func (r keyRange) segment() stores.Segment {
	return stores.Segment(segmentPrefix + hex.EncodeToString(r.from) + ":" + hex.EncodeToString(r.to))
}

// parseSegment is the inverse. The error Is stores.ErrPermanent.
func parseSegment(seg stores.Segment) (r keyRange, err error) {
	if seg == "" {
		return r, nil
	}
	rest, ok := strings.CutPrefix(string(seg), segmentPrefix)
	from, to, two := strings.Cut(rest, ":")
	if !ok || !two {
		return r, badSegment(seg, errors.New("want 1:FROM:TO"))
	}
	var errFrom, errTo error
	r.from, errFrom = hex.DecodeString(from)
	r.to, errTo = hex.DecodeString(to)
	if err := errors.Join(errFrom, errTo); err != nil {
		return keyRange{}, badSegment(seg, err)
	}
	if len(r.to) == 0 {
		r.to = nil
	}
	if r.to != nil && bytes.Compare(r.from, r.to) >= 0 {
		return keyRange{}, badSegment(seg, errors.New("it ends before it begins"))
	}
	return r, nil
}

func badSegment(seg stores.Segment, why error) error {
	return stores.Permanent(fmt.Errorf("boltstore: %q is no segment of this store: %w", string(seg), why))
}

// Segments divides the view into at most n ranges of about as many records each. See stores.Segmenter. It walks over
// all keys, in short transactions.
func (s *Store[K, V]) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	bounds, err := s.Bounds(ctx, n)
	if err != nil {
		return nil, err
	}
	var segs []stores.Segment
	var from []byte
	for _, to := range bounds {
		segs = append(segs, keyRange{from, to}.segment())
		from = to
	}
	return append(segs, keyRange{from: from}.segment()), nil
}

// Bounds are the keys between the segments. See stores.KeyOrdered.
func (s *Store[K, V]) Bounds(ctx context.Context, n int) ([][]byte, error) {
	if n < 1 {
		return nil, stores.Permanent(fmt.Errorf("boltstore: a view is divided into at least one segment, not %d", n))
	}
	count, err := s.ApproxCount(ctx)
	if err != nil {
		return nil, err
	}
	w := keyWalk{n: min(int64(n), maxSegments, max(count, 1)), count: count}
	w.more = w.n > 1
	for w.more {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.read(w.step); err != nil {
			return nil, err
		}
	}
	return w.bounds, nil
}

// Range is a segment by its bounds. See stores.KeyOrdered.
func (s *Store[K, V]) Range(from, to []byte) (stores.Segment, error) {
	return keyRange{from, to}.segment(), nil
}

// maxSegments is more than anybody has workers; it keeps the arithmetic within 64 bits.
const maxSegments = 1 << 16

// walkOps is how many keys one transaction walks over.
const walkOps = 1 << 14

// keyWalk finds the keys that divide a bucket of count records into n parts.
type keyWalk struct {
	n, count int64
	seen     int64 // keys walked over
	pos      []byte
	more     bool
	bounds   [][]byte
}

func (w *keyWalk) step(b *bbolt.Bucket) error {
	c := b.Cursor()
	k, _ := c.Seek(w.pos)
	for range walkOps {
		next := int64(len(w.bounds) + 1)
		if w.more = k != nil && next < w.n; !w.more {
			return nil
		}
		if w.seen >= next*w.count/w.n {
			w.bounds = append(w.bounds, bytes.Clone(k))
		}
		w.seen++
		k, _ = c.Next()
	}
	w.pos, w.more = bytes.Clone(k), k != nil
	return nil
}

// ApproxCount is how many records the view holds, tombstones included. It is exact.
func (s *Store[K, V]) ApproxCount(ctx context.Context) (n int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = s.read(func(b *bbolt.Bucket) error {
		n = int64(b.Sequence())
		return nil
	})
	return n, err
}
