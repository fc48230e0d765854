package mongostore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// anyIndex is a definition of a unique index over fields a, b and c.x, the tenant and the metadata.
func anyIndex(rng *rand.Rand) (keys bson.D, sparse bool, partial bson.D) {
	paths := []string{"a", "b", "c.x", "tenant", "_dw.s", "_id"}
	for range 1 + rng.IntN(3) {
		at := min(rng.IntN(len(paths)), rng.IntN(len(paths)))
		keys = append(keys, bson.E{Key: paths[at], Value: 1 - 2*rng.IntN(2)})
		paths = slices.Delete(paths, at, at+1)
	}
	if len(keys) == 1 && keys[0].Key == "_id" {
		return anyIndex(rng)
	}
	switch rng.IntN(3) {
	case 0:
		sparse = true
	case 1:
		partial = anyFilter(rng, 2)
	}
	return keys, sparse, partial
}

// anyFilter is a filter as a partial index may have it, of values that occur.
func anyFilter(rng *rand.Rand, depth int) bson.D {
	if depth > 0 && rng.IntN(3) == 0 {
		clauses := bson.A{anyFilter(rng, depth-1), anyFilter(rng, depth-1)}
		return d([]string{"$and", "$or"}[rng.IntN(2)], clauses)
	}
	path := []string{"a", "b", "c.x", "c", "tenant", "_id", "_dw", "_dw.d", "_dw.s"}[rng.IntN(9)]
	var value any = 1 + rng.IntN(2)
	switch {
	case path == "tenant":
		value = []string{"t", "u"}[rng.IntN(2)]
	case strings.HasPrefix(path, "_dw"):
		value = rng.IntN(2) == 0
	}
	switch form := rng.IntN(8); {
	case path == "_id", path == "c", path == "tenant" && !slices.Contains([]int{0, 3, 5}, form): // others hold for none of the documents here, or for all
		return d(path, d("$exists", true))
	case form == 0:
		return d(path, value)
	case form == 1:
		return d(path, nil)
	case form == 2:
		if !strings.HasPrefix(path, "_dw") {
			return d(path, d("$type", "int")) // of others' fields there is none of another type
		}
		return d(path, d("$type", []any{"int", "string", "bool", "binData", "object", "null"}[rng.IntN(6)]))
	case form == 3:
		return d(path, d("$in", bson.A{value, []any{nil, 2}[rng.IntN(2)]}))
	case form == 4:
		return d(path, d([]string{"$gt", "$gte", "$lt", "$lte"}[rng.IntN(4)], value))
	case form == 5:
		return d(path, d("$eq", value))
	default:
		return d(path, d("$exists", true))
	}
}

// anyDocuments are documents with all combinations of fields, of two tenants, in any order.
func anyDocuments(rng *rand.Rand) (docs []any) {
	for _, tenant := range []string{"t", "u"} {
		for n := range 27 {
			doc := bson.D{{Key: "_id", Value: fmt.Sprint(tenant, n)}, {Key: "tenant", Value: tenant}}
			for i, name := range []string{"a", "b", "c"} {
				var value any = []int{0, 1, 2}[n/[]int{1, 3, 9}[i]%3]
				if name == "c" {
					value = d("x", value)
				}
				if n/[]int{1, 3, 9}[i]%3 > 0 {
					doc = append(doc, bson.E{Key: name, Value: value})
				}
			}
			docs = append(docs, doc)
		}
	}
	rng.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	return docs
}

// What is decided from the definition of an index is what a server does: whether tombstones, beside any documents, are refused by it,
// and refuse other documents.
func TestIndexesDoWhatIsSaidOfThem(t *testing.T) {
	t.Parallel()
	type narrow struct {
		A *int `bson:"a,omitempty"`
	}
	tenant := func(k string) bson.D { return d("tenant", k[:1]) }
	n := 40
	if testing.Short() {
		n = 15
	}
	t.Run("whole", func(t *testing.T) { judgeIndexes(t, n, &Options[string, bson.D]{}, nil) })
	t.Run("sharded", func(t *testing.T) { judgeIndexes(t, n, &Options[string, bson.D]{ShardKey: tenant}, []string{"tenant"}) })
	t.Run("view", func(t *testing.T) { judgeIndexes(t, n, &Options[string, narrow]{Fields: []string{"a"}}, nil) })
	t.Run("sharded view", func(t *testing.T) {
		judgeIndexes(t, n, &Options[string, narrow]{Fields: []string{"a"}, ShardKey: tenant}, []string{"tenant"})
	})
}

func judgeIndexes[V any](t *testing.T, n int, o *Options[string, V], shard []string) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	db := mongotest.Database(t)
	var kinds, refused int
	for try := range n {
		keys, sparse, partial := anyIndex(rng)
		with := options.Index().SetUnique(true)
		i := index{Name: "i", Key: keys, Unique: true, Sparse: sparse}
		if sparse {
			with.SetSparse(true)
		}
		if partial != nil {
			with.SetPartialFilterExpression(partial)
			i.Partial, _ = bson.Marshal(partial)
		}
		j := judged[V]{t: t, coll: db.Collection(fmt.Sprint("c", try)), o: o, what: fmt.Sprintf("%v, sparse %v, partial %v", keys, sparse, partial)}
		if _, err := j.coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: keys, Options: with}); err != nil {
			t.Fatalf("%s: %v", j.what, err)
		}
		of := tombstones(&view{meta: DefaultMeta, whole: o.Fields == nil, all: o.Fields == nil, owned: o.Fields}, shard)
		kinds++
		if j.judge(rng, &i, of) {
			refused++
		}
		if err := j.coll.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 || refused == kinds {
		t.Errorf("of %d indexes %d refuse a tombstone", kinds, refused)
	}
}

type judged[V any] struct {
	t     *testing.T
	coll  *mongo.Collection
	o     *Options[string, V]
	what  string
	store *Store[string, V]
}

func (j *judged[V]) judge(rng *rand.Rand, i *index, of []tombstone) (refused bool) {
	docs := anyDocuments(rng)
	bare := of[len(of)-1]
	held, second := bare.holds(i)
	if refused := j.refuses("t100", "t101", "u100", "u101"); refused != held {
		j.t.Errorf("%s: tombstones where nothing was: refused %v", j.what, refused)
	}
	if record := j.refusesOthers(docs); record && !held || !record && held && !second {
		j.t.Errorf("%s: tombstones refuse records: %v", j.what, record)
	}
	if _, err := j.coll.DeleteMany(j.t.Context(), bson.D{}); err != nil {
		j.t.Fatal(err)
	}
	for _, doc := range docs { // one after the other: what is deleted may be in the way of what comes
		switch _, err := j.coll.InsertOne(j.t.Context(), doc); {
		case mongo.IsDuplicateKeyError(err):
		case err != nil:
			j.t.Fatal(err)
		default:
			refused = j.refuses(doc.(bson.D)[0].Value.(string)) || refused
		}
	}
	// Of a filter with a choice it is not looked at whether what holds for the tombstone held for the record too.
	guessed := !slices.ContainsFunc(i.Key, func(e bson.E) bool { return of[0].changes(e.Key) }) && strings.Contains(i.Partial.String(), "$or")
	if _, second := of[0].holds(i); refused && !second || second && !refused && !guessed {
		j.t.Errorf("%s: tombstones of records: refused %v", j.what, refused)
	}
	return refused
}

// refuses tells whether the index refuses tombstones under some of these keys.
func (j *judged[V]) refuses(keys ...string) (refused bool) {
	if j.store == nil {
		j.store = open(j.t, j.coll, j.o)
	}
	for _, k := range keys {
		v := newStamp(j.t)
		err := j.store.Put(j.t.Context(), stores.Write[string, V]{Key: k, If: stores.IfOlder(v), Record: stores.Record[V]{Meta: stores.Meta{Version: v, Deleted: true}}})
		switch {
		case errors.Is(err, stores.ErrPermanent):
			refused = true
		case err != nil:
			j.t.Fatal(err)
		}
	}
	return refused
}

// refusesOthers tells whether the index, which has tombstones only, refuses records under other keys.
func (j *judged[V]) refusesOthers(docs []any) (refused bool) {
	for _, doc := range docs {
		other := append(bson.D{{Key: "_id", Value: doc.(bson.D)[0].Value.(string)[:1] + "x"}}, doc.(bson.D)[1:]...)
		switch _, err := j.coll.InsertOne(j.t.Context(), other); {
		case mongo.IsDuplicateKeyError(err):
			refused = true
		case err != nil:
			j.t.Fatal(err)
		default:
			if _, err := j.coll.DeleteOne(j.t.Context(), d("_id", other[0].Value)); err != nil {
				j.t.Fatal(err)
			}
		}
	}
	return refused
}
