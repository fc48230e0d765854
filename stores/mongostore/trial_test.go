package mongostore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// A record that V reads and that no write of it can store is named before a service is deployed. What Advice says of it, the first
// update of it does.
func TestRecordsThatCanNotBeWrittenBack(t *testing.T) {
	t.Parallel()
	t.Run("whole", func(t *testing.T) {
		advised[bson.D](t, &Options[string, bson.D]{}, map[string]bson.D{
			"a.b": nil, "$x": nil, "": nil, "plain": nil,
			"_dw.x": d("_dw.x", 1),
		}, "where the metadata is")
	})
	t.Run("counted", func(t *testing.T) {
		advised[bson.D](t, &Options[string, bson.D]{Guard: "v"}, map[string]bson.D{
			"plain": nil, "twice": {{Key: "a", Value: 1}, {Key: "a", Value: 2}}, "no number": d("v", "one"),
		}, "Guard", "guard")
	})
	t.Run("sharded", func(t *testing.T) {
		tenant := func(k string) bson.D { return d("tenant", k[:1]) }
		advised[bson.D](t, &Options[string, bson.D]{ShardKey: tenant}, map[string]bson.D{"p": d("tenant", "p"), "q": d("tenant", "elsewhere")}, "shard key")
	})
	type open struct {
		Name string           `bson:"name"`
		Rest map[string]int64 `bson:",inline"`
	}
	t.Run("struct with the rest", func(t *testing.T) {
		advised[open](t, &Options[string, open]{}, map[string]bson.D{"a.b": nil, "$x": nil, "": nil, "_dw.x": d("_dw.x", 1)}, "where the metadata is")
	})
}

// advised stores records, each with a field of the name of its key if it is nil, and compares Advice with what writing them back does.
func advised[V any](t *testing.T, o *Options[string, V], records map[string]bson.D, says ...string) {
	t.Parallel()
	coll := mongotest.Collection(t)
	for key, fields := range records {
		if fields == nil {
			fields = d(key, 1)
		}
		if _, err := coll.InsertOne(t.Context(), append(d("_id", "k"+key), fields...)); err != nil {
			t.Fatal(err)
		}
	}
	if o.ShardKey != nil {
		inner := o.ShardKey
		o.ShardKey = func(k string) bson.D { return inner(strings.TrimPrefix(k, "k")) }
	}
	s := open(t, coll, o)
	advice, refused := strings.Join(s.Advice(), "\n"), 0
	for key := range records {
		r, err := s.Get(t.Context(), "k"+key)
		if err != nil && !errors.Is(err, stores.ErrNotFound) { // by another shard key than it has
			t.Fatal(err)
		}
		v := newStamp(t)
		if err == nil {
			err = s.Put(t.Context(), stores.Write[string, V]{Key: "k" + key, Record: stores.Record[V]{Meta: stores.Meta{Version: v}, Value: r.Value}, If: stores.IfStamp(r.Version)})
		}
		if named := strings.Contains(advice, fmt.Sprintf("record %q ", "k"+key)); named != (err != nil) {
			t.Errorf("%q: advice %v, and the write: %v", key, named, err)
		}
		if err != nil {
			refused++
		}
	}
	for _, text := range says {
		if !strings.Contains(advice, text) {
			t.Errorf("%q does not say %q", advice, text)
		}
	}
	if refused == 0 || refused == len(records) {
		t.Errorf("of %d records %d are refused", len(records), refused)
	}
}

// A shard key that no write could set is a mistake in the options, and said at once. A field that is there twice is named if an update
// would set one of the two.
func TestNamesThatAnUpdateCanNotAddress(t *testing.T) {
	t.Parallel()
	wrong(t, mongotest.Collection(t), &Options[string, bson.D]{ShardKey: func(string) bson.D { return d("user.id", 1) }}, "Options.ShardKey", `"user.id"`, "dot")
	raw, err := bson.Marshal(bson.D{{Key: "_id", Value: "k"}, {Key: "email", Value: "a"}, {Key: "email", Value: "b"}, {Key: "x", Value: 1}, {Key: "x", Value: 2}})
	if err != nil {
		t.Fatal(err)
	}
	type named struct {
		Name string `bson:"name"`
	}
	for name, said := range map[string]string{
		"a struct that maps it": open[string, user](t, mongotest.Collection(t), nil).tryBack(raw),
		"a view without it":     open[string, named](t, mongotest.Collection(t), &Options[string, named]{Fields: []string{"name"}}).tryBack(raw),
		"the whole document":    open[string, bson.D](t, mongotest.Collection(t), nil).tryBack(raw),
	} {
		if named := strings.Contains(said, `"email" twice`); named != (name == "a struct that maps it") || !named && said != "" {
			t.Errorf("%s: %q", name, said)
		}
	}
}
