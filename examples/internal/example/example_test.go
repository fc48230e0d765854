package example

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

func TestMain(m *testing.M) {
	os.Exit(dynamotest.Main(func() int { return mongotest.Main(m) }))
}

// Compare finds whatever is not as it should be.
func TestCompare(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	_, err := coll.InsertMany(t.Context(), []bson.D{
		{{Key: "_id", Value: "a"}, {Key: "n", Value: int32(1)}, {Key: "none", Value: nil}},
		{{Key: "_id", Value: "b"}, {Key: "in", Value: bson.D{{Key: "x", Value: 1.5}, {Key: "y", Value: 2.5}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := bson.D{{Key: "none", Value: nil}, {Key: "n", Value: int32(1)}}
	b := bson.D{{Key: "_id", Value: "b"}, {Key: "in", Value: bson.D{{Key: "x", Value: 1.5}, {Key: "y", Value: 2.5}}}}
	for _, tc := range []struct {
		name string
		want map[string]bson.D
		says string
	}{
		{"all as it should be", map[string]bson.D{"a": a, "b": b}, ""},
		{"a document too many", map[string]bson.D{"a": a}, "document b should not be there"},
		{"a document too few", map[string]bson.D{"a": a, "b": b, "c": a}, "document c is missing"},
		{"a field too many", map[string]bson.D{"a": a[:1], "b": b}, `field "n" should not be there`},
		{"a field too few", map[string]bson.D{"a": append(a[:2:2], bson.E{Key: "more"}), "b": b}, `field "more" is missing`},
		{"another type", map[string]bson.D{"a": {a[0], {Key: "n", Value: int64(1)}}, "b": b}, `field "n" is not 1`},
		{"another value, deeper", map[string]bson.D{"a": a, "b": {{Key: "in", Value: bson.D{{Key: "x", Value: 1.5}, {Key: "y", Value: 2.25}}}}}, `field "in" is not`},
		{"another order, deeper", map[string]bson.D{"a": a, "b": {{Key: "in", Value: bson.D{{Key: "y", Value: 2.5}, {Key: "x", Value: 1.5}}}}}, `field "in" is not`},
	} {
		err := Compare(t.Context(), coll, tc.want)
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	if err := Clean(copier.Report{}, gone); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if err := Clean(copier.Report{Op: "verify"}, nil); err == nil || !strings.Contains(err.Error(), "verify is not clean") {
		t.Errorf("got %v", err)
	}
}

func store(t *testing.T) stores.Store[string, int64] {
	t.Helper()
	s, err := memstore.New[string, int64](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func repository(t *testing.T, s stores.Store[string, int64]) *dualwrite.Repository[string, int64] {
	t.Helper()
	r, err := dualwrite.New(s, store(t), flags.Static(flags.OldOnly), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts traffic on a hundred records.
func start(t *testing.T, s stores.Store[string, int64]) *Traffic[string, int64] {
	t.Helper()
	r, there := repository(t, s), map[string]int64{}
	for i := range int64(100) {
		key := fmt.Sprint("old", i)
		there[key] = i
		if _, err := r.Put(t.Context(), key, i); err != nil {
			t.Fatal(err)
		}
	}
	return StartTraffic(t.Context(), r, there, Requests[string, int64]{
		New:  func(n int64) (string, int64) { return fmt.Sprint("new", n), n },
		Edit: func(v *int64, n int64) { *v += n },
	})
}

func TestTrafficKnowsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := store(t)
	traffic := start(t, s)
	if err := traffic.Some(); err != nil {
		t.Error(err)
	}
	want, err := traffic.Stop()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for item, err := range repository(t, s).Scan(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[item.Key] = item.Value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever somebody else does to a record is a wrong answer: one is lost, one comes back, one is changed.
func TestTrafficNoticesWrongAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		harm func(context.Context, *dualwrite.Repository[string, int64], string) error
		says string
	}{
		"lost": {func(ctx context.Context, r *dualwrite.Repository[string, int64], key string) error {
			return r.Delete(ctx, key)
		}, "not found"},
		"changed": {func(ctx context.Context, r *dualwrite.Repository[string, int64], key string) error {
			_, err := r.Upsert(ctx, key, func(v *int64, _ bool) error { *v = -1; return nil })
			return err
		}, "-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := store(t)
			traffic := start(t, s)
			other := repository(t, s)
			for i := range 100 {
				if err := tc.harm(t.Context(), other, fmt.Sprint("old", i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := traffic.Some(); err == nil {
				t.Error("Some says that all answers were right")
			}
			if _, err := traffic.Stop(); err == nil {
				t.Error("Stop says that all answers were right")
			} else if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q is not in %q", tc.says, err)
			}
		})
	}
}

func TestWithoutAServer(t *testing.T) {
	t.Parallel()
	err := connected(t.Context(), "", func(*mongo.Client) error { return nil })
	if err == nil || !strings.Contains(err.Error(), uriVariable) {
		t.Errorf("got %v", err)
	}
	if _, err := connect(""); err == nil || !strings.Contains(err.Error(), endpointVariable) {
		t.Errorf("got %v", err)
	}
}

// CompareItems finds whatever is not as it should be.
func TestCompareItems(t *testing.T) {
	t.Parallel()
	tables := NewTables(dynamotest.Client(t), "dualwrite-test-"+rand.Text())
	table, err := tables.Create(t.Context(), "items", "pk:S", "sk:N")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tables.Drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	num := func(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
	set := func(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }
	type item = map[string]types.AttributeValue
	var all []item
	for i := range 60 {
		all = append(all, item{"pk": str("a"), "sk": num(fmt.Sprint(i)), "set": set("x", "y"), "in": &types.AttributeValueMemberM{Value: item{"n": num("1.5")}}})
	}
	if err := tables.Load(t.Context(), table, append(all, item{"pk": str("other"), "sk": num("0")})); err != nil {
		t.Fatal(err)
	}
	id := func(m item) string {
		if m["pk"].(*types.AttributeValueMemberS).Value == "other" {
			return ""
		}
		return m["sk"].(*types.AttributeValueMemberN).Value
	}
	for _, tc := range []struct {
		name   string
		change func(want map[string]item)
		says   string
	}{
		{"all as it should be", func(map[string]item) {}, ""},
		{"a set in another order", func(want map[string]item) { want["7"]["set"] = set("y", "x") }, ""},
		{"an item too many", func(want map[string]item) { delete(want, "7") }, "item 7: it should not be there"},
		{"an item too few", func(want map[string]item) { want["x"] = item{} }, "item x is missing"},
		{"an attribute too many", func(want map[string]item) { delete(want["7"], "set") }, `item 7: attribute "set" should not be there`},
		{"an attribute too few", func(want map[string]item) { want["7"]["more"] = str("") }, `attribute "more" is missing`},
		{"another element", func(want map[string]item) { want["7"]["set"] = set("x", "z") }, `attribute "set" is`},
		{"another type", func(want map[string]item) { want["7"]["sk"] = str("7") }, `attribute "sk" is`},
		{"another value, deeper", func(want map[string]item) {
			want["7"]["in"] = &types.AttributeValueMemberM{Value: item{"n": num("1.50")}}
		}, `attribute "in" is map[n:*types.AttributeValueMemberN(1.5)]`},
	} {
		want := map[string]item{}
		for _, m := range all {
			want[id(m)] = maps.Clone(m)
		}
		tc.change(want)
		err := CompareItems(t.Context(), tables.Client, table, id, want)
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
}
