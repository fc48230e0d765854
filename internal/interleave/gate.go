package interleave

import (
	"context"
	"errors"
	"iter"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

// record, write and store are the one kind of record that is explored: a short text under a short key.
type (
	record = stores.Record[string]
	write  = stores.Write[string, string]
	store  = stores.Store[string, string]

	repository = dualwrite.Repository[string, string]
)

// key is the record that everybody works on.
const key = "k"

// place is one of the two stores.
type place uint8

const (
	oldPlace place = iota
	newPlace
	bothPlaces // of a pair write
)

func (p place) String() string { return [...]string{"old", "new", "both"}[p] }

// call is one store call on its way: waiting at the gate, or in flight without anybody who waits for its answer.
type call struct {
	from  *actor
	place place
	put   *write // nil for a read
	with  *write // what a pair write puts to new; put is then for old
	ctx   context.Context
	reply chan answer // buffered
}

// answer is what a store call comes back with.
type answer struct {
	rec record
	err error
}

// errOver ends the calls of actors that are still waiting when a schedule is over.
var errOver = stores.Permanent(errors.New("the schedule is over"))

// gate is a place as one actor sees it.
type gate struct {
	from  *actor
	place place
	keys  stores.KeyCodec[string]
}

func (g *gate) Keys() stores.KeyCodec[string] { return g.keys }

func (g *gate) Get(ctx context.Context, _ string) (record, error) {
	a := g.pass(&call{place: g.place, ctx: ctx})
	return a.rec, a.err
}

func (g *gate) Put(ctx context.Context, w write) error {
	return g.pass(&call{place: g.place, ctx: ctx, put: &w}).err
}

// PutPair is for the gate to old; the other one is that to new.
func (g *gate) PutPair(ctx context.Context, mine write, _ store, theirs write) error {
	return g.pass(&call{place: bothPlaces, ctx: ctx, put: &mine, with: &theirs}).err
}

// Scan is one call: with a single key, what a scan sees is one read of it.
func (g *gate) Scan(ctx context.Context, _ stores.Segment, after []byte) iter.Seq2[stores.Entry[string, string], error] {
	return func(yield func(stores.Entry[string, string], error) bool) {
		if after != nil {
			return
		}
		a := g.pass(&call{place: g.place, ctx: ctx})
		if errors.Is(a.err, stores.ErrNotFound) {
			return
		}
		yield(stores.Entry[string, string]{Key: key, Record: a.rec}, a.err)
	}
}

// pass waits for the scheduler.
func (g *gate) pass(c *call) answer {
	c.from, c.reply = g.from, make(chan answer, 1)
	if !g.from.arrive(c) {
		return answer{err: errOver}
	}
	return <-c.reply
}
