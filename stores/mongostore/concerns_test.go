package mongostore

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// Whatever the application reads and writes its collection with, the store reads from the primary what a majority has,
// and writes to a majority.
func TestConcernsAreTheProtocols(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sent := make(map[string][]bson.Raw)
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		mu.Lock()
		defer mu.Unlock()
		sent[e.CommandName] = append(sent[e.CommandName], slices.Clone(e.Command))
	}}
	name := mongotest.Database(t).Name()
	coll := mongotest.Connect(t, mongotest.URI(t), options.Client().SetMonitor(monitor)).Database(name).Collection("records", options.Collection().
		SetReadPreference(readpref.SecondaryPreferred()).SetReadConcern(readconcern.Local()).SetWriteConcern(writeconcern.W1()))
	for i, o := range []*Options[string, counter]{{}, {Linearizable: true, Journal: true}, {Fields: []string{"n"}}} {
		s := open(t, coll, o)
		n := int64(10 * (i + 1))
		for _, cond := range []stores.Condition{stores.IfOlder(stampAt(n)), stores.IfStamp(stampAt(n)), stores.IfStamp(stores.Absent)} {
			_ = s.Put(t.Context(), put("a", n, cond))
			_, _ = s.PutMany(t.Context(), []counterWrite{put("a", n, cond), put("b", n, cond)})
		}
		_, _ = s.GetMany(t.Context(), []string{"a", "b"})
		_, _ = s.Segments(t.Context(), 2)
		scanAll(t, s, nil)
		_, _ = s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "a", Version: stampAt(n)}})
	}
	mu.Lock()
	defer mu.Unlock()
	for _, name := range []string{"insert", "update"} {
		for _, cmd := range sent[name] {
			if w, _ := cmd.Lookup("writeConcern", "w").StringValueOK(); w != "majority" {
				t.Errorf("%s with write concern %v", name, cmd.Lookup("writeConcern"))
			}
		}
	}
	for _, name := range []string{"find", "aggregate"} {
		for _, cmd := range sent[name] {
			level, _ := cmd.Lookup("readConcern", "level").StringValueOK()
			mode, there := cmd.Lookup("$readPreference", "mode").StringValueOK()
			if level != "majority" && level != "linearizable" || there && mode != "primary" && mode != "primaryPreferred" {
				t.Errorf("%s with read concern %v from %v", name, cmd.Lookup("readConcern"), mode)
			}
		}
	}
	if len(sent["insert"])*len(sent["update"])*len(sent["find"])*len(sent["aggregate"]) == 0 {
		t.Errorf("not all commands were seen: %d kinds", len(sent))
	}
}

// Numbers keep their type and all digits, and so does everything else, in a value that takes in all fields.
func TestValuesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	s := open[string, bson.Raw](t, mongotest.Collection(t), nil)
	v, err := bson.Marshal(bson.D{
		{Key: "max", Value: int64(math.MaxInt64)}, {Key: "beyond", Value: int64(1<<53 + 1)}, {Key: "small", Value: int32(1)}, {Key: "one", Value: 1.0},
		{Key: "nan", Value: math.NaN()}, {Key: "minus zero", Value: math.Copysign(0, -1)}, {Key: "decimal", Value: decimal(t, "1.10")},
		{Key: "date", Value: bson.DateTime(-1)}, {Key: "timestamp", Value: bson.Timestamp{T: 1, I: 2}}, {Key: "null", Value: bson.Null{}},
		{Key: "binary", Value: bson.Binary{Subtype: 128, Data: []byte{0}}}, {Key: "regex", Value: bson.Regex{Pattern: "a.b", Options: "i"}},
		{Key: "code", Value: bson.JavaScript("f()")}, {Key: "symbol", Value: bson.Symbol("s")}, {Key: "min", Value: bson.MinKey{}},
		{Key: "nested", Value: bson.D{{Key: "$dollar", Value: bson.A{int32(1), int64(1), 1.0}}, {Key: "dot.ted", Value: ""}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n, cond := range []stores.Condition{stores.IfStamp(stores.Absent), stores.IfStamp(stampAt(1)), stores.IfOlder(stampAt(3))} {
		w := stores.Write[string, bson.Raw]{Key: "a", Record: stores.Record[bson.Raw]{Meta: stores.Meta{Version: stampAt(int64(n + 1))}, Value: v}, If: cond}
		if errs, err := s.PutMany(t.Context(), []stores.Write[string, bson.Raw]{w}); err != nil || errs[0] != nil {
			t.Fatal(err, errs)
		}
		if r, err := s.Get(t.Context(), "a"); err != nil || !slices.Equal(r.Value, v) {
			t.Errorf("got  %v, %v\nwant %v", r.Value, err, bson.Raw(v))
		}
	}
}
