package mongostore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// account has the version field of an application that locks optimistically.
type account struct {
	Sum     int64 `bson:"sum"`
	Version int64 `bson:"version"`
}

type accountStore = Store[string, account]

// Writers outside of the SDK, who know the version field, and inside add to one sum, and no addition is lost.
func TestGuardBesideWritersOutside(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*Options[string, account]{
		"struct": {Guard: "version"},
		"view":   {Guard: "version", Fields: []string{"sum", "version"}},
		"all": {Guard: "version", Encode: func(a account) (bson.D, error) {
			return bson.D{{Key: "sum", Value: a.Sum}, {Key: "version", Value: a.Version}}, nil
		}, Decode: func(doc bson.Raw) (a account, err error) { return a, bson.Unmarshal(doc, &a) }},
	} {
		for _, first := range []bson.D{{{Key: "sum", Value: int64(0)}}, {{Key: "sum", Value: int64(0)}, {Key: "version", Value: int32(7)}}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				guardedSum(t, o, first)
			})
		}
	}
}

func guardedSum(t *testing.T, o *Options[string, account], first bson.D) {
	const writers, each = 3, 15
	coll := mongotest.Collection(t)
	if _, err := coll.InsertOne(t.Context(), append(bson.D{{Key: "_id", Value: "a"}}, first...)); err != nil {
		t.Fatal(err)
	}
	s := open(t, coll, o)
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for range writers {
		g.Go(func() error {
			for range each {
				if err := addInside(t.Context(), s, clock); err != nil {
					return err
				}
			}
			return nil
		})
		g.Go(func() error {
			for range each {
				if err := addOutside(t.Context(), coll); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(t.Context(), "a")
	if err != nil || r.Value.Sum != 2*writers*each {
		t.Errorf("%+v, %v; want a sum of %d", r, err, 2*writers*each)
	}
	if least := int64(2 * writers * each); r.Value.Version < least {
		t.Errorf("the version is %d after %d writes", r.Value.Version, least)
	}
}

// addInside is an update as the repository makes it.
func addInside(ctx context.Context, s *accountStore, clock *stores.Clock) error {
	for {
		r, err := s.Get(ctx, "a")
		if err != nil {
			return err
		}
		v, err := clock.Next(r.Version)
		if err != nil {
			return err
		}
		value := r.Value
		value.Sum++
		w := stores.Write[string, account]{Key: "a", Record: stores.Record[account]{Meta: stores.Meta{Version: v, Prev: r.Version}, Value: value}, If: stores.IfStamp(r.Version)}
		err = s.Put(ctx, w)
		var refused *stores.ConditionError
		if !errors.As(err, &refused) {
			return err
		}
	}
}

// addOutside is what the service did before: it knows nothing of the metadata.
func addOutside(ctx context.Context, coll *mongo.Collection) error {
	for {
		var doc struct {
			Sum     int64
			Version *int64
		}
		if err := coll.FindOne(ctx, bson.D{{Key: "_id", Value: "a"}}).Decode(&doc); err != nil {
			return err
		}
		next := int64(1)
		if doc.Version != nil {
			next = *doc.Version + 1
		}
		r, err := coll.UpdateOne(ctx, bson.D{{Key: "_id", Value: "a"}, {Key: "version", Value: doc.Version}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "sum", Value: doc.Sum + 1}, {Key: "version", Value: next}}}})
		if err != nil || r.MatchedCount > 0 {
			return err
		}
	}
}

// Every live write counts on, whatever its condition, and a batch as well.
func TestGuardGrowsWithEveryWrite(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open(t, coll, &Options[string, account]{Guard: "version"})
	write := func(n, guard int64, cond stores.Condition) stores.Write[string, account] {
		return stores.Write[string, account]{Key: "a", Record: stores.Record[account]{Meta: stores.Meta{Version: stampAt(n)}, Value: account{n, guard}}, If: cond}
	}
	for i, tc := range []struct {
		w    stores.Write[string, account]
		want int64
	}{
		{write(1, 3, stores.IfStamp(stores.Absent)), 4},
		{write(2, 4, stores.IfStamp(stampAt(1))), 5},
		{write(3, 0, stores.IfOlder(stampAt(3))), 6},
		{write(4, 9, stores.IfAtMost(stampAt(3), stores.Unknown)), 10},
	} {
		errs, err := s.PutMany(t.Context(), []stores.Write[string, account]{tc.w})
		if err != nil || errs[0] != nil {
			t.Fatal(err, errs)
		}
		if got := document1(t, coll, "a")["version"]; got != tc.want {
			t.Errorf("after write %d the version is %v, want %d", i, got, tc.want)
		}
	}
	refusedAs(t, s, write(5, 9, stores.IfStamp(stampAt(4))), stores.OutcomeRefused) // a stale version, although the stamp fits
	if rv, err := s.RoundTrip("k", account{1, 5}); err != nil || rv != (account{1, 0}) {
		t.Errorf("the guard is content: %v, %v", rv, err)
	}
}

// noted is an account with a field that may be missing.
type noted struct {
	Sum     int64  `bson:"sum"`
	Note    string `bson:"note,omitempty"`
	Version int64  `bson:"version"`
}

// What a guarded write leaves in the document, next to what was there.
func TestGuardedWrites(t *testing.T) {
	t.Parallel()
	whole := &Options[string, noted]{Guard: "version"}
	view := &Options[string, noted]{Guard: "version", Fields: []string{"sum", "note", "version"}}
	there := bson.D{{Key: "sum", Value: int64(1)}, {Key: "note", Value: "n"}, {Key: "theirs", Value: true}}
	live := func(v stores.Version, n noted) stores.Record[noted] {
		return stores.Record[noted]{Meta: stores.Meta{Version: v}, Value: n}
	}
	for name, tc := range map[string]struct {
		o     *Options[string, noted]
		there bson.D
		r     stores.Record[noted]
		cond  stores.Condition
		want  bson.M // beside the metadata
	}{
		"no field is zero, and what V leaves out goes": {whole, there, live(stampAt(1), noted{Sum: 2}), stores.IfStamp(stores.Unstamped),
			bson.M{"sum": int64(2), "version": int64(1), "theirs": true}},
		"in a view": {view, there, live(stampAt(1), noted{Sum: 2}), stores.IfStamp(stores.Unstamped),
			bson.M{"sum": int64(2), "version": int64(1), "theirs": true}},
		"created in a view": {view, bson.D{{Key: "theirs", Value: true}}, live(stampAt(1), noted{Sum: 2, Version: 3}), stores.IfStamp(stores.Absent),
			bson.M{"sum": int64(2), "version": int64(4), "theirs": true}},
		"copied from before the SDK": {whole, nil, live(stores.Unstamped, noted{Sum: 2, Version: 7}), stores.IfOlder(stores.Unstamped),
			bson.M{"sum": int64(2), "version": int64(7)}},
		"deleted": {whole, append(there, bson.E{Key: "version", Value: int64(5)}),
			stores.Record[noted]{Meta: stores.Meta{Version: stampAt(1), Deleted: true}}, stores.IfStamp(stores.Unstamped), bson.M{}},
		"deleted in a view": {view, append(there, bson.E{Key: "version", Value: int64(5)}),
			stores.Record[noted]{Meta: stores.Meta{Version: stampAt(1), Deleted: true}}, stores.IfStamp(stores.Unstamped), bson.M{"theirs": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			if tc.there != nil {
				if _, err := coll.InsertOne(t.Context(), append(bson.D{{Key: "_id", Value: "a"}}, tc.there...)); err != nil {
					t.Fatal(err)
				}
			}
			if err := open(t, coll, tc.o).Put(t.Context(), stores.Write[string, noted]{Key: "a", Record: tc.r, If: tc.cond}); err != nil {
				t.Fatal(err)
			}
			got := document1(t, coll, "a")
			delete(got, "_id")
			delete(got, DefaultMeta)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A guard is a number that is counted, or the write is refused with its reason.
func TestGuardThatIsNoInteger(t *testing.T) {
	t.Parallel()
	s := open(t, mongotest.Collection(t), &Options[string, bson.M]{Guard: "version"})
	w := stores.Write[string, bson.M]{Key: "a", Record: stores.Record[bson.M]{Meta: stores.Meta{Version: stampAt(1)}, Value: bson.M{"version": "7"}}, If: stores.IfStamp(stores.Absent)}
	if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), "version") {
		t.Errorf("got %v", err)
	}
}

type tenant struct {
	N      int64  `bson:"n"`
	Tenant string `bson:"tenant"`
}

// The shard key is in each filter and each document, tombstones too. (That a sharded cluster routes by it is not tested here.)
func TestShardKey(t *testing.T) {
	t.Parallel()
	for _, fields := range [][]string{nil, {"n"}} {
		coll := mongotest.Collection(t)
		s := open(t, coll, &Options[string, counter]{Fields: fields, ShardKey: func(key string) bson.D {
			return bson.D{{Key: "tenant", Value: key[:1]}, {Key: "_id", Value: key}}
		}})
		for n, cond := range []stores.Condition{stores.IfStamp(stores.Absent), stores.IfStamp(stampAt(1)), stores.IfOlder(stampAt(3)), stores.IfAtMost(stampAt(3), stores.Unknown)} {
			w := put("abc", int64(n+1), cond)
			if w.Record.Deleted = n == 3; w.Record.Deleted {
				w.Record.Value = counter{}
			}
			errs, err := s.PutMany(t.Context(), []counterWrite{w, blind("xyz", int64(n+1))})
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Fatalf("write %d: %v", n, err)
			}
			if doc := document1(t, coll, "abc"); doc["tenant"] != "a" {
				t.Errorf("after write %d: %v", n, doc)
			}
		}
		// A document of another shard with the same _id is not ours.
		if _, err := coll.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "xyz"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "tenant", Value: "other"}}}}); err != nil {
			t.Fatal(err)
		}
		if res, err := s.GetMany(t.Context(), []string{"xyz", "abc"}); err != nil || !errors.Is(res[0].Err, stores.ErrNotFound) || !res[1].Record.Deleted {
			t.Errorf("%+v, %v", res, err)
		}
		errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "abc", Version: stampAt(4)}})
		if doc := document1(t, coll, "abc"); err != nil || errs[0] != nil || doc != nil {
			t.Errorf("purged: %v, %v, %v", err, errs, doc)
		}
	}
	// A value that maps the shard key has to agree with it.
	s := open(t, mongotest.Collection(t), &Options[string, tenant]{ShardKey: func(key string) bson.D { return bson.D{{Key: "tenant", Value: key[:1]}} }})
	w := stores.Write[string, tenant]{Key: "abc", Record: stores.Record[tenant]{Meta: stores.Meta{Version: stampAt(1)}, Value: tenant{1, "b"}}, If: stores.IfOlder(stampAt(1))}
	refusedAs(t, s, w, stores.OutcomeRejected, "shard key")
}
