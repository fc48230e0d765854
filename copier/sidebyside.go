package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/dualwrite/dualwrite/stores"
)

// Two places that are both scanned in the order of their canonical keys can be gone over side by side: each record is read
// once, by a scan, and nothing is looked up.

// placeBoth is the place of a segment that is gone over in both places at once.
const placeBoth = "both"

// divideBoth makes segments that are the same keys in both places, or segments of each place if one of them is not
// scanned in the order of its keys.
func (p *pass[K, V]) divideBoth(ctx context.Context) error {
	old, new := p.places[0].store, p.places[1].store
	var bounds [][]byte
	err := p.try(ctx, func() (err error) {
		if bounds, err = stores.Bounds(ctx, old, p.parts()); err != nil {
			return err
		}
		_, err = stores.Bounds(ctx, new, 1)
		return err
	})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return p.divide(ctx)
	case err != nil:
		return fmt.Errorf("copier: dividing old and new into segments: %w", err)
	}
	var from []byte
	for _, to := range append(bounds, nil) {
		mine, err := stores.Range(old, from, to)
		theirs, err2 := stores.Range(new, from, to)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("copier: dividing old and new into segments: %w", err)
		}
		p.positions = append(p.positions, position{Place: placeBoth, Segment: []byte(mine), Against: []byte(theirs)})
		from = to
	}
	return nil
}

// maxBad bounds how many records in a row that do not decode a side keeps until it knows what the other one has there.
// Beyond that one that is there on both sides may be told twice.
const maxBad = 1000

// side is one of the places while a segment is gone over.
type side[K, V any] struct {
	name string
	keys stores.KeyCodec[K]
	next func() (stores.Entry[K, V], error, bool)
	// expiry is of what the scan has passed over, up to the head.
	expiry *expiryMeter
	head   stores.Entry[K, V] // the next record to deal with, if there is one
	canon  []byte             // its canonical key, or that of the one before
	there  bool
	ended  bool
	last   []byte // the canonical key before
	// bad are the records before head that do not decode. The other side may have something under their keys.
	bad []*stores.RecordError
}

// advance makes sure that there is a head, unless the scan has ended or the side is full of records that do not decode.
// The error ends the scan.
func (s *side[K, V]) advance() error {
	for !s.there && !s.ended && len(s.bad) < maxBad {
		e, err, ok := s.next()
		bad := undecodable(err)
		switch {
		case !ok:
			s.ended = true
		case bad != nil:
			s.bad = append(s.bad, bad)
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		default:
			if err := s.take(e); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

func (s *side[K, V]) take(e stores.Entry[K, V]) (err error) {
	s.last, s.canon = s.canon, s.last
	if s.canon, err = s.keys.Append(s.canon[:0], e.Key); err != nil {
		return stores.Permanent(fmt.Errorf("a record under a key that is none: %w", err))
	}
	if bytes.Compare(s.last, s.canon) >= 0 {
		return stores.Permanent(fmt.Errorf("the scan gave key %s after %s, so it is not in the order of its keys",
			stores.FormatKey(s.canon), stores.FormatKey(s.last)))
	}
	s.head, s.there = e, true
	return nil
}

// at takes what the side has under a key: its head, a record that does not decode, or nothing.
func (s *side[K, V]) at(canon []byte) (head bool, bad *stores.RecordError) {
	if s.there && bytes.Equal(s.canon, canon) {
		s.there = false
		return true, nil
	}
	i := slices.IndexFunc(s.bad, func(b *stores.RecordError) bool { return bytes.Equal(b.Key, canon) })
	if i < 0 {
		return false, nil
	}
	bad = s.bad[i]
	s.bad = slices.Delete(s.bad, i, i+1)
	return false, bad
}

// badBefore takes the records that do not decode and are before a key, or all of them before nil. Foreign keys have no place in
// the order, and are before any: the position of the checkpoint must not go past them.
func (s *side[K, V]) badBefore(canon []byte) (taken []*stores.RecordError) {
	s.bad = slices.DeleteFunc(s.bad, func(b *stores.RecordError) bool {
		due := canon == nil || b.Foreign || bytes.Compare(b.Key, canon) < 0
		if due {
			taken = append(taken, b)
		}
		return due
	})
	return taken
}

// merge puts two sides together, in the order of their keys.
type merge[K, V any] struct{ old, new side[K, V] }

// advance makes both sides ready. ok is false at the end of both.
func (m *merge[K, V]) advance() (ok bool, err error) {
	if err := m.old.advance(); err != nil {
		return false, err
	}
	if err := m.new.advance(); err != nil {
		return false, err
	}
	return m.old.there || m.new.there || len(m.old.bad)+len(m.new.bad) > 0, nil
}

// take moves the pair under the lowest key to the page, after what comes before it and does not decode.
func (m *merge[K, V]) take(pg *page[K, V]) {
	lowest := m.old.canon
	if !m.old.there || m.new.there && bytes.Compare(m.new.canon, lowest) < 0 {
		lowest = m.new.canon
	}
	m.takeBad(pg, lowest)
	x := pair[K, V]{}
	x.old.Version, x.new.Version = stores.Absent, stores.Absent
	inOld, oldBad := m.old.at(lowest)
	inNew, newBad := m.new.at(lowest)
	if inOld {
		m.old.expiry.take(&pg.delta.counts)
		x.key, x.old = m.old.head.Key, m.old.head.Record
	}
	if inNew {
		m.new.expiry.take(&pg.delta.counts)
		x.key, x.new = m.new.head.Key, m.new.head.Record
	}
	switch {
	case oldBad != nil:
		x.canon, x.place, x.err = oldBad.Key, placeOld, oldBad
	case newBad != nil:
		x.canon, x.place, x.err = newBad.Key, placeNew, newBad
	}
	pg.pairs = append(pg.pairs, x)
	pg.read++
	if inOld && inNew || x.err != nil {
		pg.read++
	}
	pg.last = append(pg.last[:0], lowest...)
}

// takeBad moves what does not decode and comes before a key to the page; nil is the end. What does not decode on either side is
// one pair.
func (m *merge[K, V]) takeBad(pg *page[K, V], before []byte) {
	if len(m.old.bad)+len(m.new.bad) == 0 {
		return
	}
	both := make(map[string]bool)
	for _, bad := range m.old.badBefore(before) {
		both[string(bad.Key)] = true
		pg.pairs = append(pg.pairs, pair[K, V]{canon: bad.Key, place: placeOld, err: bad})
		pg.read++
	}
	for _, bad := range m.new.badBefore(before) {
		pg.read++
		if !both[string(bad.Key)] {
			pg.pairs = append(pg.pairs, pair[K, V]{canon: bad.Key, place: placeNew, err: bad})
		}
	}
}

// scanBoth goes over what is left of a segment of both places.
func (p *pass[K, V]) scanBoth(ctx context.Context, pos position, pg *page[K, V], v visitor[K, V]) (n int, broken, err error) {
	old, stopOld := openSide(ctx, p.places[0], pos.Segment, pos.After)
	defer stopOld()
	new, stopNew := openSide(ctx, p.places[1], pos.Against, pos.After)
	defer stopNew()
	m := merge[K, V]{old, new}
	pg.last = append(pg.last, pos.After...)
	size := p.throttle.batch()
	for pairs := 1; ; pairs++ {
		letOthersRun(pairs)
		ok, broken := m.advance()
		switch {
		case !ok:
			n += pg.read
			if broken == nil {
				old.expiry.take(&pg.delta.counts)
				new.expiry.take(&pg.delta.counts)
			}
			return n, broken, p.turnBoth(ctx, pg, v)
		case (m.old.there || m.old.ended) && (m.new.there || m.new.ended) && (m.old.there || m.new.there):
			m.take(pg)
		default: // nothing but records that do not decode: very many, or up to the end
			m.takeBad(pg, nil)
		}
		if pg.read < size {
			continue
		}
		n += pg.read
		if err := p.turnBoth(ctx, pg, v); err != nil {
			return n, nil, err
		}
		size = p.throttle.batch()
	}
}

func openSide[K, V any](ctx context.Context, pl place[K, V], segment, after []byte) (s side[K, V], stop func()) {
	s = side[K, V]{name: pl.name, keys: pl.store.Keys(), canon: bytes.Clone(after), expiry: new(expiryMeter)}
	s.next, stop = iter.Pull2(pl.store.Scan(s.expiry.count(ctx), stores.Segment(segment), after))
	return s, stop
}

// turnBoth hands a page over. It goes as far as its last pair that decodes, or no further than the one before.
func (p *pass[K, V]) turnBoth(ctx context.Context, pg *page[K, V], v visitor[K, V]) error {
	if pg.read == 0 {
		return p.nothing(ctx, pg)
	}
	last := pg.last
	err := p.visit(ctx, pg, v)
	pg.last = append(pg.last, last...)
	return err
}
