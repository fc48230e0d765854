package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/stores"
)

// ErrIncomplete is what the error Is when a pass went to the end and some records could not be dealt with for reasons
// that may pass: they are findings of KindFailed, and resuming tries them again.
var ErrIncomplete = errors.New("copier: some records could not be dealt with")

// The operations, as reports and checkpoints name them.
const (
	opCopy   = "copy"
	opVerify = "verify"
	opRepair = "repair"
	opFinish = "finish"
)

// place is one of the stores of a pass, by name.
type place[K, V any] struct {
	name  string
	store stores.Store[K, V]
	// keysOnly says that nobody looks at the values.
	keysOnly bool
	// noting says that the values go elsewhere, and that it is to be told what they do not hold of what is stored.
	noting bool
}

func (pl place[K, V]) scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	switch {
	case pl.keysOnly:
		return stores.ScanMeta(ctx, pl.store, seg, after)
	case pl.noting:
		return stores.ScanNoting(ctx, pl.store, seg, after)
	default:
		return pl.store.Scan(ctx, seg, after)
	}
}

// pass goes over the segments of one or two places with several workers. It is what the operations have in common.
type pass[K, V any] struct {
	*state
	throttle *throttle
	places   []place[K, V] // to scan, in this order, or side by side
	stuck    atomic.Int32  // pages in a row of which nothing got through
}

// page is a batch of records as a scan gave them, and what its worker reuses from one to the next.
type page[K, V any] struct {
	at      int // the segment
	place   string
	entries []stores.Entry[K, V]
	bad     []*stores.RecordError // records that do not decode
	pairs   []pair[K, V]          // instead of both, where two places are gone over side by side
	read    int                   // how many records all that is
	last    []byte                // how far the page goes: the canonical key of the last record, once finish was called
	lastBad bool
	delta   delta
}

// visitor deals with one page: it does what has to be done and commits. Each worker has its own.
type visitor[K, V any] func(ctx context.Context, pg *page[K, V]) error

// newPass begins or resumes a pass over the places, which goes over one after the other.
func newPass[K, V any](ctx context.Context, op string, o settings, places ...place[K, V]) (*pass[K, V], error) {
	return newPassAs(ctx, op, o, places, (*pass[K, V]).divide)
}

func newPassAs[K, V any](ctx context.Context, op string, o settings, places []place[K, V],
	divide func(*pass[K, V], context.Context) error) (*pass[K, V], error) {
	s, err := newState(ctx, op, o)
	if err != nil {
		return nil, err
	}
	p := &pass[K, V]{state: s, throttle: newThrottle(&o.PassOptions), places: places}
	if len(s.positions) == 0 {
		if err := divide(p, ctx); err != nil {
			return nil, err
		}
	}
	return p, p.save(ctx, true) // a checkpoint that can not be written is found out now
}

// parts is how many segments a place is divided into: more than there are workers, so that an uneven division does not
// leave one worker alone at the end.
func (p *pass[K, V]) parts() int { return 4 * p.o.Workers }

// divide makes segments of each place.
func (p *pass[K, V]) divide(ctx context.Context) error {
	for _, pl := range p.places {
		var segs []stores.Segment
		err := p.try(ctx, func() (err error) {
			segs, err = stores.Segments(ctx, pl.store, p.parts())
			return err
		})
		if err != nil {
			return fmt.Errorf("copier: dividing %s into segments: %w", pl.name, err)
		}
		for _, seg := range segs {
			p.positions = append(p.positions, position{Place: pl.name, Segment: []byte(seg)})
		}
	}
	return nil
}

// total is about how many records the places hold, 0 if one can not tell.
func (p *pass[K, V]) total(ctx context.Context) (sum int64) {
	if p.o.OnProgress == nil {
		return 0
	}
	if len(p.positions) == 0 {
		return 0 // nothing is scanned
	}
	for _, pl := range p.places {
		n, err := stores.ApproxCount(ctx, pl.store)
		if err != nil {
			return 0
		}
		sum += n
	}
	return sum
}

// run scans everything, lets settle deal with what is pending, and reports. The last checkpoint is saved whatever
// happened.
func (p *pass[K, V]) run(ctx context.Context, visit func() visitor[K, V], settle func(context.Context) error) (Report, error) {
	total := p.total(ctx)
	m := startMeter(p.state, total)
	defer m.finish()
	err := p.scan(ctx, visit)
	if err == nil {
		err = settle(ctx)
	}
	if err == nil {
		err = p.release()
	}
	if err == nil {
		p.finish()
		if n := p.waitingCount(); n > 0 {
			err = fmt.Errorf("%w: %d of them", ErrIncomplete, n)
		}
	}
	saveErr := p.save(context.WithoutCancel(ctx), true)
	if err != nil && ctx.Err() != nil {
		if !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err) // a store may word a cancellation in its own way
		}
		err = p.interrupted(total, saveErr == nil, err)
	}
	return p.snapshot(), errors.Join(err, saveErr)
}

// interrupted says how far the pass is, and what to do.
func (p *pass[K, V]) interrupted(total int64, saved bool, err error) error {
	r := p.snapshot()
	far, next := fmt.Sprintf("after %d records", r.Read), "run it again; without a checkpoint it begins anew"
	if total > 0 {
		far = fmt.Sprintf("at %d %% (%d of about %d records)", min(100, 100*r.Read/total), r.Read, max(total, r.Read))
	}
	if p.o.Checkpoint != nil && saved {
		next = "run it again, and it goes on where it was"
	}
	return fmt.Errorf("copier: the %s was interrupted %s: %s: %w", r.Op, far, next, err)
}

// scan lets the workers go over all segments.
func (p *pass[K, V]) scan(ctx context.Context, visit func() visitor[K, V]) error {
	todo := make(chan int, len(p.positions))
	for i := range p.positions {
		if !p.position(i).Done {
			todo <- i
		}
	}
	close(todo)
	g, ctx := errgroup.WithContext(ctx)
	for range min(p.o.Workers, len(todo)) {
		g.Go(func() error {
			pg, v := new(page[K, V]), visit()
			for i := range todo {
				if err := p.segment(ctx, i, pg, v); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// segment goes over one segment to its end. A scan that breaks off is begun again where it was.
func (p *pass[K, V]) segment(ctx context.Context, at int, pg *page[K, V], v visitor[K, V]) error {
	for failures := 0; ; {
		n, broken, err := p.scanOnce(ctx, at, pg, v)
		if err != nil || broken == nil {
			return err
		}
		if n > 0 {
			failures = 0
		}
		if failures++; failures >= p.o.Attempts || final(ctx, broken) {
			return fmt.Errorf("copier: scanning %s: %w", pg.place, broken)
		}
		if err := p.o.Backoff.Wait(ctx, failures); err != nil {
			return err
		}
	}
}

// scanOnce goes on with a segment until its end or until the scan breaks, and tells how many records it gave.
func (p *pass[K, V]) scanOnce(ctx context.Context, at int, pg *page[K, V], v visitor[K, V]) (n int, broken, err error) {
	pos := p.position(at)
	pg.at, pg.place = at, pos.Place
	pg.clear()
	if pos.Place == placeBoth {
		n, broken, err = p.scanBoth(ctx, pos, pg, v)
	} else {
		n, broken, err = p.scanPlace(ctx, pos, pg, v)
	}
	if broken == nil && err == nil {
		p.done(at)
	}
	return n, broken, err
}

// scanPlace goes over what is left of a segment of one place.
func (p *pass[K, V]) scanPlace(ctx context.Context, pos position, pg *page[K, V], v visitor[K, V]) (n int, broken, err error) {
	from := p.placeOf(pos.Place)
	size := p.throttle.batch()
	var expiry expiryMeter
	for e, err := range from.scan(expiry.count(ctx), stores.Segment(pos.Segment), pos.After) {
		if err != nil && !pg.takeBad(err) {
			broken = err
			break
		}
		if err == nil {
			pg.entries, pg.lastBad = append(pg.entries, e), false
		}
		expiry.take(&pg.delta.counts)
		n++
		letOthersRun(n)
		if pg.read++; pg.read < size {
			continue
		}
		if err := p.turn(ctx, from.store.Keys(), pg, v); err != nil {
			return n, nil, err
		}
		size = p.throttle.batch()
	}
	if broken == nil {
		expiry.take(&pg.delta.counts) // of behind the last record
	}
	return n, broken, p.turn(ctx, from.store.Keys(), pg, v)
}

// expiryMeter hands over what a scan has counted, record by record: what lies behind the record that a page ends with belongs to
// the next one.
type expiryMeter struct {
	counts           stores.ExpiryCounts
	passed, longPast int64 // handed over
}

func (m *expiryMeter) count(ctx context.Context) context.Context {
	return stores.CountExpiry(ctx, &m.counts)
}

func (m *expiryMeter) take(to *Counts) {
	passed, longPast := m.counts.Passed.Load(), m.counts.LongPast.Load()
	to.Expired += passed - m.passed
	to.LongExpired += longPast - m.longPast
	m.passed, m.longPast = passed, longPast
}

// nothing commits a page without a record: what was passed over counts all the same.
func (p *pass[K, V]) nothing(ctx context.Context, pg *page[K, V]) error {
	if err := ctx.Err(); err != nil || pg.delta.counts == (Counts{}) {
		return err
	}
	return p.commit(ctx, -1, nil, &pg.delta)
}

// turn finishes a page of one place and hands it over.
func (p *pass[K, V]) turn(ctx context.Context, keys stores.KeyCodec[K], pg *page[K, V], v visitor[K, V]) error {
	if pg.read == 0 {
		return p.nothing(ctx, pg)
	}
	if err := pg.finish(keys); err != nil {
		return err
	}
	return p.visit(ctx, pg, v)
}

// visit waits for the throttle and hands a page over.
func (p *pass[K, V]) visit(ctx context.Context, pg *page[K, V], v visitor[K, V]) error {
	if err := p.throttle.wait(ctx, pg.read-p.fresh(pg)); err != nil {
		return err
	}
	pg.delta.counts.Read += int64(pg.read)
	err := v(ctx, pg)
	pg.clear()
	return err
}

// clockSkew is how far the clocks of those who write may be ahead of this one's.
const clockSkew = time.Minute

// fresh counts the records that were written after the pass began: the throttle lets them pass, or it might run after
// new ones for ever. A stamp from the future says nothing about when its record was written.
func (p *pass[K, V]) fresh(pg *page[K, V]) (n int) {
	latest := time.Now().Add(clockSkew)
	count := func(v stores.Version) {
		if s, ok := v.Stamp(); ok && s.Time().After(p.report.Started) && s.Time().Before(latest) {
			n++
		}
	}
	for i := range pg.entries {
		count(pg.entries[i].Record.Version)
	}
	for i := range pg.pairs {
		count(pg.pairs[i].old.Version)
		count(pg.pairs[i].new.Version)
	}
	return n
}

func (p *pass[K, V]) placeOf(name string) place[K, V] {
	for _, pl := range p.places {
		if pl.name == name {
			return pl
		}
	}
	return p.places[0]
}

// takeBad takes a record that does not decode; any other error ends the scan.
func (pg *page[K, V]) takeBad(err error) bool {
	bad := undecodable(err)
	if bad == nil {
		return false
	}
	pg.bad = append(pg.bad, bad)
	pg.lastBad = true
	return true
}

// reportBad makes findings of the records that do not decode.
func (pg *page[K, V]) reportBad() {
	for _, b := range pg.bad {
		pg.delta.find(undecodableIn(pg.place, b))
	}
}

// undecodableIn is the finding of a record that does not decode. Of a foreign key it has the whole error, which says so.
func undecodableIn(place string, b *stores.RecordError) Finding {
	f := Finding{Kind: KindUndecodable, Key: b.Key, Place: place, Err: b.Err}
	if b.Foreign {
		f.Err = b
	}
	return f
}

// finish notes how far the page goes.
func (pg *page[K, V]) finish(keys stores.KeyCodec[K]) (err error) {
	if pg.lastBad {
		pg.last = append(pg.last[:0], pg.bad[len(pg.bad)-1].Key...)
		return nil
	}
	pg.last, err = keys.Append(pg.last[:0], pg.entries[len(pg.entries)-1].Key)
	if err != nil {
		return fmt.Errorf("copier: %s has a record under a key that is none: %w", pg.place, err)
	}
	return nil
}

func (pg *page[K, V]) clear() {
	clear(pg.entries) // let go of the values
	clear(pg.pairs)
	pg.entries, pg.bad, pg.pairs, pg.last, pg.read = pg.entries[:0], pg.bad[:0], pg.pairs[:0], pg.last[:0], 0
	pg.delta.reset()
}
