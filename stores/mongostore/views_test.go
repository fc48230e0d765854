package mongostore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

type right struct {
	M int64 `bson:"m"`
}

// twoViews are two stores over one collection.
func twoViews(t *testing.T) (*mongo.Collection, *counterStore, *Store[string, right]) {
	coll := mongotest.Collection(t)
	return coll, open(t, coll, &Options[string, counter]{Fields: []string{"n"}}),
		open(t, coll, &Options[string, right]{Fields: []string{"m"}, Meta: "_dw2"})
}

// Writers of both views and of a field of somebody else's do not get into each other's way.
func TestTwoViewsAndAnOutsideField(t *testing.T) {
	t.Parallel()
	const each = 60
	coll, left, other := twoViews(t)
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"a", "b"}
	var g errgroup.Group
	for _, key := range keys {
		for range 2 {
			g.Go(func() error { return adding(t.Context(), left, clock, key, each, func(c *counter) { c.N++ }) })
			g.Go(func() error { return adding(t.Context(), other, clock, key, each, func(r *right) { r.M++ }) })
			g.Go(func() error {
				for range each {
					if _, err := coll.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: key}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "outside", Value: 1}}}}, options.UpdateOne().SetUpsert(true)); err != nil && !mongo.IsDuplicateKeyError(err) {
						return err
					} else if err != nil {
						_, err = coll.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: key}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "outside", Value: 1}}}})
						if err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		doc := document1(t, coll, key)
		if doc["n"] != int64(2*each) || doc["m"] != int64(2*each) || fmt.Sprint(doc["outside"]) != fmt.Sprint(2*each) {
			t.Errorf("%q: %v, want %d each", key, doc, 2*each)
		}
	}
}

// adding updates a record until it has done so often enough; every third time blindly by a tombstone-free IfAtMost.
func adding[V any](ctx context.Context, s *Store[string, V], clock *stores.Clock, key string, n int, add func(*V)) error {
	for done := 0; done < n; {
		r, err := s.Get(ctx, key)
		if r, err = stores.OrAbsent(r, err); err != nil {
			return err
		}
		v, err := clock.Next(r.Version)
		if err != nil {
			return err
		}
		add(&r.Value)
		w := stores.Write[string, V]{Key: key, Record: stores.Record[V]{Meta: stores.Meta{Version: v, Prev: r.Version}, Value: r.Value}, If: stores.IfStamp(r.Version)}
		if done%3 == 0 {
			w.If = stores.IfAtMost(r.Version, stores.Unknown)
		}
		errs, err := s.PutMany(ctx, []stores.Write[string, V]{w})
		if err != nil {
			return err
		}
		switch outcome, _ := stores.OutcomeOf(errs[0]); outcome {
		case stores.OutcomeApplied:
			done++
		case stores.OutcomeRefused, stores.OutcomeFailed:
		default:
			return errs[0]
		}
	}
	return nil
}

// A document without the view's fields has no record of the view, and a view goes without the others.
func TestAbsentViewOfADocument(t *testing.T) {
	t.Parallel()
	coll, left, other := twoViews(t)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "outside", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := left.Get(t.Context(), "a"); !errors.Is(err, stores.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if positions, _ := scanAll(t, left, nil); len(positions) != 0 {
		t.Errorf("%d records in a scan", len(positions))
	}
	refusedAs(t, left, put("a", 1, stores.IfStamp(stores.Unstamped)), stores.OutcomeRefused)
	for i, w := range []counterWrite{ // each of these holds for absent
		put("a", 2, stores.IfStamp(stores.Absent)), put("b", 2, stores.IfAtMost(stores.Absent, stampAt(1))), blind("c", 2),
		{Key: "d", Record: stores.Record[counter]{Meta: stores.Meta{Version: stores.Unstamped}, Value: counter{2}}, If: stores.IfOlder(stores.Unstamped)},
	} {
		if i > 0 {
			if err := other.Put(t.Context(), stores.Write[string, right]{Key: w.Key, Record: stores.Record[right]{Meta: stores.Meta{Version: stampAt(9)}}, If: stores.IfOlder(stampAt(9))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := left.Put(t.Context(), w); err != nil {
			t.Errorf("%v on %v: %v", w.Key, w.If, err)
		}
	}
	if doc := document1(t, coll, "a"); fmt.Sprint(doc["outside"]) != "1" || doc["n"] != int64(2) {
		t.Errorf("stored: %v", doc)
	}
}

// Deleting and purging one view leaves the other; when both are purged nothing is left, not even an empty document.
func TestDeleteAndPurgeOfViews(t *testing.T) {
	t.Parallel()
	coll, left, other := twoViews(t)
	const n = 20
	var lefts, others []stores.PurgeTarget[string]
	for i := range n {
		key := fmt.Sprint(i)
		w := stores.Write[string, right]{Key: key, Record: stores.Record[right]{Meta: stores.Meta{Version: stampAt(1)}, Value: right{7}}, If: stores.IfOlder(stampAt(1))}
		if err := errors.Join(left.Put(t.Context(), blind(key, 1)), other.Put(t.Context(), w)); err != nil {
			t.Fatal(err)
		}
		tombstone := put(key, 2, stores.IfStamp(stampAt(1)))
		tombstone.Record.Deleted, tombstone.Record.Value = true, counter{}
		if err := left.Put(t.Context(), tombstone); err != nil {
			t.Fatal(err)
		}
		if r, err := other.Get(t.Context(), key); err != nil || r.Value.M != 7 || r.Deleted {
			t.Errorf("the other view: %+v, %v", r, err)
		}
		w.Record = stores.Record[right]{Meta: stores.Meta{Version: stampAt(3), Deleted: true}}
		w.If = stores.IfOlder(stampAt(3))
		if i > 0 { // the first one stays
			if err := other.Put(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			others = append(others, stores.PurgeTarget[string]{Key: key, Version: stampAt(3)})
		}
		lefts = append(lefts, stores.PurgeTarget[string]{Key: key, Version: stampAt(2)})
	}
	var g sync.WaitGroup
	g.Go(func() { purgeAll(t, left, lefts) })
	g.Go(func() { purgeAll(t, other, others) })
	g.Wait()
	want := []bson.M{{"_id": "0", "m": int64(7), "_dw2": bson.D{{Key: "s", Value: stampValue(stampAt(1))}}}}
	var got []bson.M
	cursor, err := coll.Find(t.Context(), bson.D{})
	if err == nil {
		err = cursor.All(t.Context(), &got)
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
}

func purgeAll[V any](t *testing.T, s *Store[string, V], targets []stores.PurgeTarget[string]) {
	errs, err := s.Purge(t.Context(), targets)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Error(err)
	}
}

// A purge whose last step fails has purged: it is not reported as without effect.
func TestPurgeThatFailsHalfWay(t *testing.T) {
	t.Parallel()
	p, admin := ownServer(t)
	_ = p
	coll := admin.Database("d").Collection("records")
	left := open(t, coll, &Options[string, counter]{Fields: []string{"n"}})
	w := put("a", 1, stores.IfOlder(stampAt(1)))
	w.Record.Deleted, w.Record.Value = true, counter{}
	if err := left.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	failCommand(t, admin, times(1), bson.D{{Key: "failCommands", Value: bson.A{"delete"}}, {Key: "errorCode", Value: 2}})
	errs, err := left.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "a", Version: stampAt(1)}})
	if err != nil {
		t.Fatal(err)
	}
	if outcome, _ := stores.OutcomeOf(errs[0]); outcome != stores.OutcomeUnknown {
		t.Errorf("outcome %v (%v) of a purge after which the record is %v", outcome, errs[0], document1(t, coll, "a"))
	}
}

// A map in a view holds the view's fields, and can be written back.
func TestMapInAView(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open(t, coll, &Options[string, bson.M]{Fields: []string{"a", "b"}})
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "k"}, {Key: "a", Value: int64(1)}, {Key: "other", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n < 3; n++ {
		r, err := s.Get(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bson.M{"a": n}, r.Value); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
		rv, err := s.RoundTrip("k", r.Value)
		if err != nil || !cmp.Equal(rv, r.Value) {
			t.Errorf("round trip: %v, %v", rv, err)
		}
		r.Value["a"] = n + 1
		w := stores.Write[string, bson.M]{Key: "k", Record: stores.Record[bson.M]{Meta: stores.Meta{Version: stampAt(n)}, Value: r.Value}, If: stores.IfStamp(r.Version)}
		if err := s.Put(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if doc := document1(t, coll, "k"); fmt.Sprint(doc["other"]) != "1" {
		t.Errorf("the field of others: %v", doc)
	}
}

// A field that the service's type does not know survives every kind of write.
func TestUnknownFieldsSurvive(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open[string, counter](t, coll, nil)
	kept := bson.D{{Key: "deep", Value: bson.A{int32(1), "x", bson.D{{Key: "d", Value: 1.5}}}}}
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "n", Value: int64(1)}, {Key: "unknown", Value: kept}}); err != nil {
		t.Fatal(err)
	}
	for n, cond := range []stores.Condition{stores.IfStamp(stores.Unstamped), stores.IfStamp(stampAt(1)), stores.IfOlder(stampAt(3)), stores.IfAtMost(stampAt(3), stampAt(9))} {
		for _, err := range putBoth(t, s, put("a", int64(n+1), cond)) {
			if err != nil {
				t.Fatalf("%v: %v", cond, err)
			}
		}
		if diff := cmp.Diff(any(kept), document1(t, coll, "a")["unknown"]); diff != "" {
			t.Fatalf("after a write on %v: %s", cond, diff)
		}
	}
	if errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "a", Version: stampAt(4)}}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	if diff := cmp.Diff(bson.M{"_id": "a", "n": int64(4), "unknown": kept}, document1(t, coll, "a")); diff != "" {
		t.Error(diff)
	}
}

// putBoth sends a write by itself or as a batch, in turns.
func putBoth(t *testing.T, s *counterStore, w counterWrite) []error {
	t.Helper()
	if n := w.Record.Value.N; n%2 == 0 {
		errs, err := s.PutMany(t.Context(), []counterWrite{w})
		if err != nil {
			t.Fatal(err)
		}
		return errs
	}
	return []error{s.Put(t.Context(), w)}
}

// A call with the caller's transaction in its context answers before anything is sent; another session is left alone.
func TestCallersTransaction(t *testing.T) {
	t.Parallel()
	client := mongotest.Client(t)
	coll := mongotest.Collection(t)
	s := open[string, counter](t, coll, nil)
	if err := s.Put(t.Context(), blind("a", 1)); err != nil {
		t.Fatal(err)
	}
	session, err := client.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(t.Context())
	ctx := mongo.NewSessionContext(t.Context(), session)
	if err := s.Put(ctx, blind("a", 2)); err != nil || s.CheckContext(ctx) != nil {
		t.Errorf("a session without a transaction: %v", err)
	}
	if err := session.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	_, getErr := s.Get(ctx, "a")
	_, manyErr := s.GetMany(ctx, []string{"a"})
	_, putManyErr := s.PutMany(ctx, []counterWrite{blind("a", 3)})
	_, purgeErr := s.Purge(ctx, nil)
	_, segmentsErr := s.Segments(ctx, 2)
	_, countErr := s.ApproxCount(ctx)
	errs := map[string]error{
		"check": s.CheckContext(ctx), "put": s.Put(ctx, blind("a", 3)), "put many": putManyErr, "get": getErr, "get many": manyErr,
		"purge": purgeErr, "segments": segmentsErr, "count": countErr,
	}
	for _, err := range s.Scan(ctx, "", nil) {
		errs["scan"] = err
	}
	for call, err := range errs {
		if !errors.Is(err, stores.ErrInTransaction) || !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%s: %v", call, err)
		}
	}
	if err := session.AbortTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Get(t.Context(), "a"); err != nil || !r.Version.Same(stampAt(2)) {
		t.Errorf("stored is %v, %v", r.Version, err)
	}
}
