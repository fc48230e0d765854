package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/dualwrite/dualwrite/stores"
)

// Store is a [stores.Store] over a collection, or over some of the fields of its documents. It is safe for concurrent use, and holds
// nothing that has to be closed: the client is the caller's.
type Store[K, V any] struct {
	coll *mongo.Collection // the caller's, with the concerns of the protocol
	// acknowledged is when a write counts as done.
	acknowledged *writeconcern.WriteConcern
	namespace    string
	keys         stores.KeyCodec[K]
	ordered      bool // the server sorts ids as their canonical forms do
	codec        codec[V]
	fields       bson.D // the projection that reads use; nil for all fields
	found        findings
	identity     identity

	expiresAt func(V) time.Time
	guard     string
	shardKey  func(K) bson.D
	linear    bool
	timeout   time.Duration

	samples samples

	filled fill  // whether a batch write better begins by reading
	dense  dense // whether a batch read better reads a range
}

// New returns a store over a collection. It asks the server for the collection's options and indexes, and refuses what
// would lose records later: see the package comment. The error names everything that is wrong.
//
// The collection's own read preference and concerns are not used: the store reads from the primary what a majority of nodes has, and
// writes to a majority.
func New[K, V any](ctx context.Context, coll *mongo.Collection, o *Options[K, V]) (*Store[K, V], error) {
	if o == nil {
		o = &Options[K, V]{}
	}
	if coll == nil {
		return nil, errors.New("mongostore: a collection is needed")
	}
	acknowledged := majority(o.Journal)
	s := &Store[K, V]{
		coll: coll.Clone(options.Collection().
			SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).SetWriteConcern(acknowledged)),
		acknowledged: acknowledged,

		namespace: coll.Database().Name() + "." + coll.Name(),
		keys:      o.Keys,
		expiresAt: o.ExpiresAt,
		guard:     o.Guard,
		shardKey:  o.ShardKey,
		linear:    o.Linearizable,
		timeout:   o.Timeout,
	}
	if s.keys == nil {
		s.keys, s.ordered = defaultKeys[K](), sortedAlike[K]()
	}
	var err error
	if s.codec, err = o.build(); err != nil {
		return nil, s.at(nil, err)
	}
	s.fields = s.codec.view.projection()
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, s.at(nil, err)
	}
	defer cancel()
	if s.found, err = s.inspect(ctx); err != nil {
		return nil, s.at(nil, err)
	}
	advice, err := s.trial(ctx)
	if err != nil {
		return nil, s.at(nil, fmt.Errorf("reading a few records: %w", classify(err)))
	}
	s.found.advice = append(s.found.advice, advice...)
	return s, nil
}

func majority(journal bool) *writeconcern.WriteConcern {
	w := writeconcern.Majority()
	if journal {
		w.Journal = &journal
	}
	return w
}

// projection is what has to be read for a record; nil is everything. A whole document is read as it is, as applications do:
// to pick its fields costs the server more than to send the few that V does not map.
func (v *view) projection() bson.D {
	if v.whole {
		return nil
	}
	p := bson.D{{Key: v.meta, Value: 1}}
	for _, name := range v.owned {
		p = append(p, bson.E{Key: name, Value: 1})
	}
	return p
}

// Keys is [Options.Keys], or the default for K.
func (s *Store[K, V]) Keys() stores.KeyCodec[K] { return s.keys }

// Live is a filter for the application's own queries that leaves tombstones out, for a store with [DefaultMeta]. An index
// that is to leave them out as well is partial on the existence of a field that each live record has.
func Live() bson.D { return live(DefaultMeta) }

// Live is [Live] for this store's metadata field.
func (s *Store[K, V]) Live() bson.D { return live(s.codec.view.meta) }

func live(meta string) bson.D {
	return bson.D{{Key: meta + "." + deletedField, Value: bson.D{{Key: "$ne", Value: true}}}}
}

// CheckContext implements [stores.ContextChecker].
func (s *Store[K, V]) CheckContext(ctx context.Context) error {
	if session := mongo.SessionFromContext(ctx); session != nil && session.TransactionRunning() {
		return s.at(nil, stores.Permanent(stores.ErrInTransaction))
	}
	return nil
}

// enter is what each call starts with. A session that the context carries is left behind: it is not safe for concurrent
// use, and the repository calls concurrently.
func (s *Store[K, V]) enter(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if mongo.SessionFromContext(ctx) == nil {
		return ctx, nil
	}
	return mongo.NewSessionContext(ctx, nil), s.CheckContext(ctx)
}

// begin is enter for a call that may take Options.Timeout.
func (s *Store[K, V]) begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	ctx, err := s.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.timeout == 0 {
		return ctx, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	return ctx, cancel, nil
}

// filter is how one document is found.
func (s *Store[K, V]) filter(key K, id id, cond bson.D) bson.D {
	f := bson.D{{Key: "_id", Value: id.value}}
	if s.shardKey != nil {
		for _, e := range s.shardKey(key) {
			if e.Key != "_id" {
				f = append(f, e)
			}
		}
	}
	return append(f, cond...)
}

// Get implements [stores.Store].
func (s *Store[K, V]) Get(ctx context.Context, key K) (stores.Record[V], error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return stores.Record[V]{}, err
	}
	defer cancel()
	id, err := s.id(key)
	if err != nil {
		return stores.Record[V]{}, err
	}
	doc, err := s.find(ctx, key, id, s.fields)
	if err != nil {
		return stores.Record[V]{}, s.at(id.canon, err)
	}
	r, err := s.record(doc, id.canon)
	switch {
	case err != nil:
		return stores.Record[V]{}, err
	case r.Version.IsAbsent():
		return stores.Record[V]{}, stores.ErrNotFound
	}
	return r, nil
}

// find reads one document; nil if there is none.
func (s *Store[K, V]) find(ctx context.Context, key K, id id, projection bson.D) (bson.Raw, error) {
	coll := s.coll
	if s.linear {
		coll = coll.Clone(options.Collection().SetReadConcern(readconcern.Linearizable()))
	}
	o := options.FindOne()
	if projection != nil {
		o.SetProjection(projection)
	}
	doc, err := coll.FindOne(ctx, s.filter(key, id, nil), o).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	return doc, classify(err)
}

// record is what a document, nil for none, holds of the view. Its version is absent if that is nothing. The error is a
// *[stores.RecordError].
func (s *Store[K, V]) record(doc bson.Raw, canon []byte) (stores.Record[V], error) {
	r := stores.Record[V]{Meta: stores.Meta{Version: stores.Absent}}
	if doc == nil {
		return r, nil
	}
	m, err := s.codec.view.metaOf(doc)
	if err == nil && !m.Version.IsAbsent() && !m.Deleted {
		r.Value, err = s.codec.value(doc)
	}
	if err != nil {
		return stores.Record[V]{}, &stores.RecordError{Key: canon, Err: fmt.Errorf("mongostore: %s: %w", s.namespace, err)}
	}
	r.Meta = m
	return s.expired(r), nil
}

// metaOf is the metadata of the view's record in a document.
func (v *view) metaOf(doc bson.Raw) (stores.Meta, error) {
	m := stores.Meta{Version: stores.Absent}
	if v.whole {
		m.Version = stores.Unstamped
	}
	var stamped bson.RawValue
	err := walk(doc, func(name []byte, value bson.RawValue) error {
		if string(name) == v.meta {
			stamped = value
		} else if !v.whole && m.Version.IsAbsent() && string(name) != "_id" {
			if _, owned := v.field(name); owned {
				m.Version = stores.Unstamped
			}
		}
		return nil
	})
	if err == nil && !stamped.IsZero() {
		return parseMeta(stamped)
	}
	return m, err
}

// expired makes a tombstone of a stamped record that has expired, and nothing of an unstamped one.
func (s *Store[K, V]) expired(r stores.Record[V]) stores.Record[V] {
	if s.expiresAt == nil || !r.Live() {
		return r
	}
	if !s.isPast(s.expiresAt(r.Value)) {
		return r
	}
	m := stores.Meta{Version: stores.Absent}
	if !r.Version.IsUnstamped() {
		m = r.Meta
		m.Deleted = true
	}
	return stores.Record[V]{Meta: m}
}

// isPast tells whether an expiry has come. Unix 0 is how many say "never", but not to a TTL index.
func (s *Store[K, V]) isPast(at time.Time) bool {
	seconds, now := at.Unix(), time.Now() // as of milliseconds that are taken for seconds: time.Time itself may wrap around
	switch {
	case at.IsZero(), seconds <= 0 && !s.found.ttl:
		return false
	default:
		return seconds < now.Unix() || seconds == now.Unix() && at.Nanosecond() <= now.Nanosecond()
	}
}

// countExpiry counts a document that a scan has read as a tombstone or as nothing, if that is because it has expired.
func (s *Store[K, V]) countExpiry(counts *stores.ExpiryCounts, doc bson.Raw, read stores.Meta) {
	if counts == nil || s.expiresAt == nil {
		return
	}
	m, err := s.codec.view.metaOf(doc)
	if err != nil || m.Deleted || m.Version.IsAbsent() {
		return
	}
	if read.Version.IsAbsent() {
		counts.Passed.Add(1)
	}
	if v, err := s.codec.value(doc); err == nil && s.expiresAt(v).Unix() < time.Now().AddDate(-5, 0, 0).Unix() {
		counts.LongPast.Add(1)
	}
}

// RoundTrip implements [stores.RoundTripper]. It sets the [Options.Guard] to zero.
func (s *Store[K, V]) RoundTrip(key K, v V) (V, error) {
	id, err := s.id(key)
	if err != nil {
		return v, err
	}
	c := &change[K, V]{Write: &stores.Write[K, V]{Key: key, Record: stores.Record[V]{Value: v}}, id: id}
	if err := s.encode(c); err != nil {
		return v, s.at(id.canon, stores.Permanent(err))
	}
	d := openDocument(s.sizeHint(c))
	d.append("_id", id.value)
	d.appendAll(c.shard)
	d.appendAll(c.fields)
	rv, err := s.codec.value(d.close())
	return rv, s.at(id.canon, err)
}

// ApproxCount implements [stores.Counter]: the number of documents in the collection, from its metadata.
func (s *Store[K, V]) ApproxCount(ctx context.Context) (int64, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer cancel()
	n, err := s.coll.EstimatedDocumentCount(ctx)
	return n, s.at(nil, classify(err))
}
