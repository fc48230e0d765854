package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/stores"
)

// A command to the server holds at most this much, so that the driver never makes two of it: of two, the error of the
// second would not tell what became of the first.
const (
	batchWrites = 1000
	batchBytes  = 12 << 20
)

// singles is how many writes that can not go into a batch are under way at once.
const singles = 8

// fill remembers whether most of the last batch found something that was in its way.
type fill struct{ full atomic.Bool }

// PutMany implements [stores.BatchWriter].
//
// Writes that hold when there is no record go in unordered bulk commands: inserts first, while most of them find nothing;
// once most find something, a read comes first, which refuses what is newer there without a write. The others are
// single writes, eight at a time: a bulk command does not tell which of its updates found nothing.
func (s *Store[K, V]) PutMany(ctx context.Context, writes []stores.Write[K, V]) ([]error, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	b := batch[K, V]{s: s, ctx: ctx, errs: make([]error, len(writes))}
	for _, round := range b.rounds(writes) {
		b.run(round)
	}
	return b.errs, nil
}

// batch is a PutMany that is being carried out.
type batch[K, V any] struct {
	s    *Store[K, V]
	ctx  context.Context
	errs []error
}

// item is a write of a batch, and its place among the arguments.
type item[K, V any] struct {
	*change[K, V]
	i int
}

func (b *batch[K, V]) done(it item[K, V], err error) { b.errs[it.i] = b.s.at(it.id.canon, err) }

// rounds divides the writes so that no key is twice in a round, and what comes later for a key is in a later round.
func (b *batch[K, V]) rounds(writes []stores.Write[K, V]) [][]item[K, V] {
	var rounds [][]item[K, V]
	seen := make(map[string]int, len(writes))
	for i := range writes {
		c, err := b.s.prepare(&writes[i])
		if err != nil {
			b.errs[i] = err
			continue
		}
		n := seen[string(c.id.canon)]
		seen[string(c.id.canon)] = n + 1
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], item[K, V]{c, i})
	}
	return rounds
}

// run carries out writes of different keys.
func (b *batch[K, V]) run(items []item[K, V]) {
	var bulk, single []item[K, V]
	for _, it := range items {
		if cond := b.s.codec.view.condition(it.If); (cond.upsert || cond.insert) && it.guard.IsZero() && !it.zeroTimestamp() {
			bulk = append(bulk, it)
		} else {
			single = append(single, it)
		}
	}
	for len(bulk) > 0 {
		n, bytes := 0, 0
		for ; n < len(bulk) && n < batchWrites && (n == 0 || bytes+b.s.sizeHint(bulk[n].change) < batchBytes); n++ {
			bytes += b.s.sizeHint(bulk[n].change)
		}
		single = append(single, b.bulk(bulk[:n])...)
		bulk = bulk[n:]
	}
	b.single(single)
}

// single carries out one write each, some at a time.
func (b *batch[K, V]) single(items []item[K, V]) {
	var g errgroup.Group
	g.SetLimit(singles)
	for _, it := range items {
		g.Go(func() error {
			b.done(it, b.s.put(b.ctx, it.change))
			return nil
		})
	}
	_ = g.Wait() // each outcome is in errs
}

// bulk carries out writes that hold when there is no record, and returns those that have to be tried one by one.
func (b *batch[K, V]) bulk(items []item[K, V]) (single []item[K, V]) {
	inserts, updates := items, []item[K, V](nil)
	if b.s.filled.full.Load() {
		inserts, updates = b.look(items)
	}
	if !b.s.codec.view.whole {
		inserts, updates = nil, append(updates, inserts...)
	}
	looked := len(items) - len(inserts) - len(updates) // refused already
	found, single := b.send(inserts, b.s.insertModel)

	var refused []item[K, V]
	for _, it := range found {
		if b.s.codec.view.condition(it.If).insert {
			refused = append(refused, it)
		} else {
			updates = append(updates, it)
		}
	}
	updates, alone := b.replaceable(updates)
	present, blamed := b.send(updates, b.s.updateModel)
	refused, single = append(refused, present...), slices.Concat(single, alone, blamed)
	// An insert that finds something is wasted, in a view only a write that is refused.
	wasted := looked + len(refused)
	if b.s.codec.view.whole {
		wasted = len(items) - len(inserts) + len(found)
	}
	b.s.filled.full.Store(2*wasted > len(items))
	return append(single, b.explain(refused)...)
}

// replaceable divides writes into those that an upsert can carry out, and those that take more than one operation.
func (b *batch[K, V]) replaceable(items []item[K, V]) (upserts, single []item[K, V]) {
	if !slices.ContainsFunc(items, func(it item[K, V]) bool { return it.dollars() }) {
		return items, nil
	}
	for _, it := range items {
		if it.dollars() {
			single = append(single, it)
		} else {
			upserts = append(upserts, it)
		}
	}
	return upserts, single
}

// look reads what is stored, refuses what that refuses, and returns the rest.
func (b *batch[K, V]) look(items []item[K, V]) (inserts, updates []item[K, V]) {
	metas, err := b.stored(items)
	if err != nil {
		return items, nil // the writes will tell
	}
	for i, it := range items {
		switch {
		case metas[i].err != nil:
			b.done(it, metas[i].err)
		case !it.If.Holds(metas[i].Version):
			b.done(it, &stores.ConditionError{Stored: metas[i].Meta})
		case metas[i].Version.IsAbsent():
			inserts = append(inserts, it)
		default:
			updates = append(updates, it)
		}
	}
	return inserts, updates
}

// explain reads what refused some writes, and returns those that it does not refuse any more.
func (b *batch[K, V]) explain(items []item[K, V]) (again []item[K, V]) {
	if len(items) == 0 {
		return nil
	}
	metas, err := b.stored(items)
	for i, it := range items {
		switch {
		case err != nil:
			b.done(it, stores.Transient(fmt.Errorf("refused, and by what could not be read: %w", err)))
		case metas[i].err != nil:
			b.done(it, metas[i].err)
		case !it.If.Holds(metas[i].Version):
			b.done(it, &stores.ConditionError{Stored: metas[i].Meta})
		default:
			again = append(again, it)
		}
	}
	return again
}

// storedMeta is the metadata under a key; the error, of a record whose metadata is damaged, is permanent.
type storedMeta struct {
	stores.Meta
	err error
}

func (b *batch[K, V]) stored(items []item[K, V]) ([]storedMeta, error) {
	keys, ids := make([]K, len(items)), make([]id, len(items))
	for i, it := range items {
		keys[i], ids[i] = it.Key, it.id
	}
	docs, err := b.s.findMany(b.ctx, keys, ids, b.s.refusalFields())
	if err != nil {
		return nil, err
	}
	metas := make([]storedMeta, len(items))
	for i, it := range items {
		if metas[i].Meta, err = b.s.metaOf(docs[string(it.id.canon)]); err != nil {
			metas[i].err = stores.Permanent(&stores.RecordError{Key: it.id.canon, Err: err})
		}
	}
	return metas, nil
}

// send sends one unordered bulk command, and returns the writes that were refused as duplicates. If the server takes none of them
// because of what is in one, it returns all as alone: each has to be sent by itself.
func (b *batch[K, V]) send(items []item[K, V], model func(*change[K, V]) mongo.WriteModel) (refused, alone []item[K, V]) {
	if len(items) == 0 {
		return nil, nil
	}
	models := make([]mongo.WriteModel, len(items))
	for i, it := range items {
		models[i] = model(it.change)
	}
	r, err := b.s.coll.BulkWrite(b.ctx, models, options.BulkWrite().SetOrdered(false))
	var failed mongo.BulkWriteException
	if err != nil && (!errors.As(err, &failed) || failed.WriteConcernError != nil || len(failed.WriteErrors) == 0 || passes(err)) {
		if err = classify(err); errors.Is(err, stores.ErrPermanent) && len(items) > 1 {
			return nil, items
		}
		b.all(items, err)
		return nil, nil
	}
	if written := r.InsertedCount + r.MatchedCount + r.UpsertedCount; written+int64(len(failed.WriteErrors)) != int64(len(items)) {
		b.all(items, fmt.Errorf("of %d writes the server has %d done and %d refused: which ones is not known",
			len(items), written, len(failed.WriteErrors)))
		return nil, nil
	}
	for _, e := range failed.WriteErrors {
		if e.Index < 0 || e.Index >= len(items) {
			continue
		}
		if is, _ := duplicateError(e.WriteError); is {
			refused = append(refused, items[e.Index])
		} else {
			b.done(items[e.Index], classify(e.WriteError))
		}
	}
	return refused, nil
}

// all gives every write of a command the same answer.
func (b *batch[K, V]) all(items []item[K, V], err error) {
	for _, it := range items {
		b.done(it, err)
	}
}

func (s *Store[K, V]) insertModel(c *change[K, V]) mongo.WriteModel {
	return &mongo.InsertOneModel{Document: s.document(c)}
}

// updateModel is for conditions that may be upserted.
func (s *Store[K, V]) updateModel(c *change[K, V]) mongo.WriteModel {
	upsert := true
	filter := s.filter(c.Key, c.id, s.codec.view.condition(c.If).filter)
	if s.replaces(c) {
		return &mongo.ReplaceOneModel{Filter: filter, Replacement: s.document(c), Upsert: &upsert}
	}
	return &mongo.UpdateOneModel{Filter: filter, Update: s.update(c), Upsert: &upsert}
}
