package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/dualwrite/dualwrite/stores"
)

// pairTries bounds how often a pair is started over because others wrote the same documents, or because of a refusal by
// what was gone when it was read.
const pairTries = 40

// abortTimeout is how long the server is asked to forget a transaction. It does so by itself as well, after a minute.
const abortTimeout = 5 * time.Second

// PutPair implements [stores.PairWriter] for another store with the same client. Two views of one document are written by
// one update. Two documents are written in a transaction, which takes a replica set: a standalone server has none, and on
// a sharded cluster a reader may see one shard's part of a transaction before that of another shard; both are unsupported.
// So is a [Options.Guard] in two views of one document.
func (s *Store[K, V]) PutPair(ctx context.Context, mine stores.Write[K, V], other stores.Store[K, V], theirs stores.Write[K, V]) error {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	o, ok := stores.As[*Store[K, V]](other)
	if !ok || !s.sameClient(o) {
		return fmt.Errorf("mongostore: %s: no pair write with a store of another client: %w", s.namespace, errors.ErrUnsupported)
	}
	p := pair[K, V]{stores: [2]*Store[K, V]{s, o}}
	p.prepare(&mine, &theirs)
	unsupported := fmt.Errorf("mongostore: %s: no pair write: %w", s.namespace, errors.ErrUnsupported)
	switch {
	case s.namespace != o.namespace && !s.found.replicaSet:
		return unsupported
	case p.invalid(): // whatever else its key would say, it is not that no pair can be written
		_, err := p.explain(ctx, [2]error{})
		return err
	case p.oneRecord():
		return s.at(nil, stores.Permanent(errors.New("a pair of writes is to two records, not twice to one")))
	case p.oneDocument():
		p.send = p.update
	default:
		p.send = p.transact
	}
	if p.oneDocument() && (s.guard != "" || o.guard != "") || !p.oneDocument() && !s.found.replicaSet {
		return unsupported
	}
	return p.put(ctx)
}

func (s *Store[K, V]) sameClient(o *Store[K, V]) bool {
	return s.coll.Database().Client() == o.coll.Database().Client()
}

// SamePlace implements [stores.SamePlacer]: the same collection, unless both are views that have no field in common. With
// two clients a collection is recognised if both stores were made while the same server process answered.
func (s *Store[K, V]) SamePlace(other stores.Store[K, V]) bool {
	o, ok := stores.As[*Store[K, V]](other)
	return ok && s.namespace == o.namespace && !s.disjoint(o) &&
		(s.sameClient(o) || !s.found.process.IsZero() && s.found.process == o.found.process)
}

// disjoint tells whether two views have neither a field nor metadata in common.
func (s *Store[K, V]) disjoint(o *Store[K, V]) bool {
	v, w := &s.codec.view, &o.codec.view
	return !v.whole && !w.whole && v.meta != w.meta && !v.owns(w.meta) && !w.owns(v.meta) && !slices.ContainsFunc(v.owned, w.owns)
}

// pair is two writes to be stored together, or neither.
type pair[K, V any] struct {
	stores  [2]*Store[K, V]
	changes [2]*change[K, V]
	conds   [2]filtered
	errs    [2]error // of writes that are invalid
	send    func(ctx context.Context) (refusal, error)
}

// refusal is why neither of two writes was stored. The zero refusal is none.
type refusal struct {
	refused bool
	// rejected is what each of them would be refused for even if its condition holds.
	rejected [2]error
}

func (p *pair[K, V]) prepare(writes ...*stores.Write[K, V]) {
	for i, w := range writes {
		if p.changes[i], p.errs[i] = p.stores[i].prepare(w); p.errs[i] == nil {
			p.conds[i] = p.stores[i].codec.view.condition(w.If)
		}
	}
}

func (p *pair[K, V]) invalid() bool { return p.errs[0] != nil || p.errs[1] != nil }

// oneDocument tells whether both writes are to the same document.
func (p *pair[K, V]) oneDocument() bool {
	return p.stores[0].namespace == p.stores[1].namespace &&
		string(p.changes[0].id.canon) == string(p.changes[1].id.canon)
}

func (p *pair[K, V]) oneRecord() bool { return p.oneDocument() && !p.stores[0].disjoint(p.stores[1]) }

func (p *pair[K, V]) put(ctx context.Context) error {
	for attempt := range pairTries {
		if attempt > 0 {
			if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, attempt); err != nil {
				return stores.Transient(err)
			}
		}
		r, err := p.send(ctx)
		switch {
		case errors.Is(err, errStartOver):
			continue
		case err != nil || !r.refused:
			return p.stores[0].at(nil, err)
		}
		if again, err := p.explain(ctx, r.rejected); !again {
			return err
		}
	}
	return p.stores[0].at(nil, stores.Transient(fmt.Errorf("started over %d times because of other writers", pairTries)))
}

// explain reads what is stored under both keys and finds out what Put would have answered to each write. If both could
// be stored by now, again is true.
func (p *pair[K, V]) explain(ctx context.Context, rejected [2]error) (again bool, _ error) {
	failed := p.errs
	for i, c := range p.changes {
		if failed[i] != nil {
			continue
		}
		cond, err := p.stores[i].refusal(ctx, c)
		if errors.Is(err, stores.ErrTransient) {
			return false, p.stores[i].at(c.id.canon, err)
		}
		if p.conds[i] = cond; err == nil {
			err = rejected[i]
		}
		failed[i] = p.stores[i].at(c.id.canon, err)
	}
	if failed[0] == nil && failed[1] == nil {
		return true, nil
	}
	return false, &stores.PairError{First: failed[0], Second: failed[1]}
}

// update writes two views of one document with both conditions.
func (p *pair[K, V]) update(ctx context.Context) (refusal, error) {
	s, c := p.stores[0], p.changes[0]
	both := bson.D{{Key: "$and", Value: bson.A{p.conds[0].filter, p.conds[1].filter}}}
	doc := updateOf(half[K, V]{s, c}, half[K, V]{p.stores[1], p.changes[1]})
	upsert := p.conds[0].upsert && p.conds[1].upsert
	refused, err := updated(s.coll.UpdateOne(ctx, s.filter(c.Key, c.id, both), doc, options.UpdateOne().SetUpsert(upsert)))
	dead := 0
	if !c.Record.Deleted {
		dead = 1
	}
	if why := p.stores[dead].rejection(err, p.changes[dead].Record.Deleted); refused || why != nil {
		return refusal{true, [2]error{why, why}}, nil //nolint:nilerr // why is in the refusal
	}
	return refusal{}, err
}

// rejection is err if it would refuse a write whose condition holds.
func (s *Store[K, V]) rejection(err error, deleted bool) error {
	if _, otherIndex := duplicate(err); otherIndex {
		return s.otherIndexError(err, deleted)
	}
	if errors.Is(err, stores.ErrPermanent) {
		return err
	}
	return nil
}

// errStartOver says that a transaction was aborted because of another one, or of a server that went away.
var errStartOver = errors.New("start over")

// transact writes two documents in one transaction. Whatever fails before the commit is sent had no effect.
func (p *pair[K, V]) transact(ctx context.Context) (refusal, error) {
	s := p.stores[0]
	session, err := s.coll.Database().Client().StartSession()
	if err != nil {
		return refusal{}, stores.Transient(err)
	}
	defer session.EndSession(context.WithoutCancel(ctx))
	o := options.Transaction().SetReadConcern(readconcern.Snapshot()).SetReadPreference(readpref.Primary()).SetWriteConcern(s.acknowledged)
	if err := session.StartTransaction(o); err != nil {
		return refusal{}, stores.Transient(err)
	}
	inside := mongo.NewSessionContext(ctx, session)
	for i, c := range p.changes {
		refused, err := p.stores[i].send(inside, c, p.conds[i])
		if !refused && err == nil {
			continue
		}
		abort(ctx, session)
		switch why := p.stores[i].rejection(err, c.Record.Deleted); {
		case refused || why != nil:
			r := refusal{refused: true}
			r.rejected[i] = why
			return r, nil
		case labelled(err, "TransientTransactionError"):
			return refusal{}, errStartOver
		default:
			return refusal{}, stores.Transient(err)
		}
	}
	return refusal{}, commit(inside, session)
}

func abort(ctx context.Context, session *mongo.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_ = session.AbortTransaction(ctx) // the server aborts what nobody commits
}

// commitTries bounds how often the server is asked for the outcome of a commit, beside the driver's own repetition.
const commitTries = 3

// commit ends a transaction. Its error has an unknown outcome, except errStartOver.
func commit(inside context.Context, session *mongo.Session) error {
	var err error
	for try := range commitTries {
		err = session.CommitTransaction(inside)
		switch {
		case err == nil:
			return nil
		case labelled(err, "TransientTransactionError") && try == 0:
			return errStartOver
		case !labelled(err, "UnknownTransactionCommitResult") || inside.Err() != nil:
			return err // also "there is no such transaction", of one that an earlier try may have committed
		}
	}
	return err
}

func labelled(err error, label string) bool {
	var l mongo.LabeledError
	return errors.As(err, &l) && l.HasErrorLabel(label)
}
