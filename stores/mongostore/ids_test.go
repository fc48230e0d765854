package mongostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

func rawID(tb testing.TB, v any) bson.RawValue {
	tb.Helper()
	t, b, err := bson.MarshalValue(v)
	if err != nil {
		tb.Fatal(err)
	}
	return bson.RawValue{Type: t, Value: b}
}

func decimal(tb testing.TB, s string) bson.Decimal128 {
	tb.Helper()
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// equalIDs are groups of ids that are equal to the server; ids of two groups are not.
func equalIDs(tb testing.TB) [][]any {
	d := func(s string) bson.Decimal128 { return decimal(tb, s) }
	return [][]any{
		{int32(1), int64(1), 1.0, d("1"), d("1.00"), d("10E-1")},
		{int64(0), 0.0, math.Copysign(0, -1), d("0"), d("-0.000")},
		{1.5, d("1.5"), d("1.50")},
		{d("0.1"), d("0.10")},
		{0.1, d("0.1000000000000000055511151231257827")}, // as close as a decimal gets, and not equal: see below
		{math.Ldexp(1, 63), d("9223372036854775808")},
		{d("1E+6000")},
		{math.NaN(), d("NaN")},
		{math.Inf(1), d("Infinity")},
		{math.Inf(-1), d("-Infinity")},
		{"a", bson.Symbol("a")},
		{true}, {false}, {"1"}, {""}, {"A"},
		{bson.D{{Key: "a", Value: int32(1)}}, bson.D{{Key: "a", Value: 1.0}}, bson.D{{Key: "a", Value: d("1.0")}}},
		{bson.D{{Key: "a", Value: bson.A{int32(1)}}}, bson.D{{Key: "a", Value: bson.A{int64(1)}}}},
		{bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}}, {bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 1}}},
		{bson.ObjectID{1}}, {bson.DateTime(1)}, {bson.Timestamp{T: 1}},
		{bson.Binary{Data: []byte("fedcba9876543210")}}, {bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")}},
		{bson.MinKey{}}, {bson.MaxKey{}}, {bson.Null{}},
	}
}

// Equal ids have one canonical form, which stands for an equal id, and others have another.
func TestCanonicalFormsOfEqualIDs(t *testing.T) {
	t.Parallel()
	keys := Keys[bson.RawValue]()
	seen := make(map[string]int)
	for g, group := range equalIDs(t) {
		if g == 4 {
			group = group[:1]
		}
		for _, v := range group {
			id := rawID(t, v)
			canon, err := keys.Append(nil, id)
			if err != nil {
				t.Errorf("%v: %v", id, err)
				continue
			}
			if other, ok := seen[string(canon)]; ok && other != g {
				t.Errorf("%v has the form of %v", id, equalIDs(t)[other])
			}
			seen[string(canon)] = g
			first, err := keys.Append(nil, rawID(t, group[0]))
			if err != nil || !bytes.Equal(first, canon) {
				t.Errorf("%v has the form %x, and %v has %x", id, canon, group[0], first)
			}
			back, err := keys.Parse(canon)
			if err != nil {
				t.Errorf("%v: %v", id, err)
				continue
			}
			if again, err := keys.Append(nil, back); err != nil || !bytes.Equal(again, canon) {
				t.Errorf("%v comes back as %v, %v", id, back, err)
			}
		}
	}
}

// The server agrees: each group is one document, however its id is written.
func TestEqualIDsAreOneRecord(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open[bson.RawValue, counter](t, coll, nil)
	for g, group := range equalIDs(t) {
		if g == 4 { // what a server makes of a double and the decimal nearest to it is its own affair
			continue
		}
		for i, v := range group {
			if s, ok := v.(bson.Symbol); ok && s == "a" {
				continue // nor are symbols, which no driver of today writes
			}
			id := rawID(t, v)
			w := stores.Write[bson.RawValue, counter]{Key: id, If: stores.IfStamp(stores.Absent),
				Record: stores.Record[counter]{Meta: stores.Meta{Version: stampAt(1)}, Value: counter{int64(g)}}}
			outcome, _ := stores.OutcomeOf(s.Put(t.Context(), w))
			if want := stores.OutcomeApplied; i == 0 && outcome != want || i > 0 && outcome != stores.OutcomeRefused {
				t.Errorf("creating %v, number %d of %v: outcome %v", id, i, group, outcome)
			}
			res, err := s.GetMany(t.Context(), []bson.RawValue{id})
			if err != nil || res[0].Err != nil || res[0].Record.Value.N != int64(g) {
				t.Errorf("reading %v: %+v, %v", id, res, err)
			}
		}
	}
}

func TestDecimalKeys(t *testing.T) {
	t.Parallel()
	keys := Keys[bson.Decimal128]()
	for _, text := range []string{"1", "-7", "0", "1.5", "0.1", "9223372036854775808", "1E+6000", "0.0078125", "Infinity"} {
		canon, err := keys.Append(nil, decimal(t, text))
		if err != nil {
			t.Fatal(err)
		}
		back, err := keys.Parse(canon)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := keys.Append(nil, back); err != nil || !bytes.Equal(again, canon) {
			t.Errorf("%s comes back as %v, %v", text, back, err)
		}
	}
}

// The driver decodes true as 1, bytes as a string, and a document without the fields that a struct lacks. None of these
// is the record of that key.
func TestIDsThatOnlyDecodeAsAKey(t *testing.T) {
	t.Parallel()
	type pair struct{ A, B int64 }
	foreignTo(t, int64(1), true, bson.Null{}, "1", 1.5)
	foreignTo(t, "abc", bson.Binary{Data: []byte("abc")}, bson.ObjectID{1}, bson.Null{}, "")
	foreignTo(t, []byte("abc"), "abc", bson.Binary{Subtype: 4, Data: []byte("abd")})
	foreignTo(t, pair{1, 2}, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}, {Key: "c", Value: 3}},
		bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}}, bson.D{{Key: "a", Value: 1}})
}

// foreignTo plants records under other ids around one under the key. A scan has to name each of them, go on, and be able
// to go on from there.
func foreignTo[K any](t *testing.T, key K, others ...any) {
	t.Run(fmt.Sprintf("%T", key), func(t *testing.T) {
		t.Parallel()
		coll := mongotest.Collection(t)
		s := open[K, counter](t, coll, nil)
		for i, id := range append(others, any(key)) {
			if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}, {Key: "n", Value: i}}); err != nil {
				t.Fatal(err)
			}
		}
		positions, good := scanAll(t, s, nil)
		if len(positions) != len(others)+1 || good != 1 {
			t.Errorf("%d records, %d of them good; want %d and 1", len(positions), good, len(others)+1)
		}
		for i, at := range positions {
			if rest, _ := scanAll(t, s, at); !slices.EqualFunc(rest, positions[i+1:], bytes.Equal) {
				t.Errorf("after %s: %d records, want %d", stores.FormatKey(at), len(rest), len(positions)-i-1)
			}
		}
		if r, err := s.Get(t.Context(), key); err != nil || r.Value.N != int64(len(others)) {
			t.Errorf("the record itself: %v, %v", r, err)
		}
	})
}

// scanAll are the positions of all records after one, good or bad.
func scanAll[K, V any](tb testing.TB, s *Store[K, V], after []byte) (positions [][]byte, good int) {
	tb.Helper()
	for e, err := range s.Scan(tb.Context(), "", after) {
		var bad *stores.RecordError
		switch {
		case err == nil:
			good++
			canon, err := s.keys.Append(nil, e.Key)
			if err != nil {
				tb.Fatal(err)
			}
			positions = append(positions, canon)
		case errors.As(err, &bad) && len(bad.Key) > 0:
			positions = append(positions, bad.Key)
		default:
			tb.Fatal(err)
		}
	}
	return positions, good
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: int64(7)}}); err != nil {
		t.Fatal(err)
	}
	s := open[bson.RawValue, counter](t, coll, nil)
	for _, id := range []bson.RawValue{
		rawID(t, bson.A{1}), rawID(t, bson.Regex{Pattern: ".*"}), rawID(t, bson.Undefined{}), {},
		// As a filter this would be a condition, and find the document that is there.
		rawID(t, bson.D{{Key: "$gt", Value: 1}}), rawID(t, bson.D{{Key: "$exists", Value: true}}),
		{Type: bson.TypeString, Value: []byte{200, 0, 0, 0, 'a'}},
	} {
		if _, err := s.Get(t.Context(), id); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("get %v: %v", id, err)
		}
		w := stores.Write[bson.RawValue, counter]{Key: id, Record: stores.Record[counter]{Meta: stores.Meta{Version: stampAt(1)}}, If: stores.IfOlder(stampAt(1))}
		if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("put %v: %v", id, err)
		}
		many, err := s.PutMany(t.Context(), []stores.Write[bson.RawValue, counter]{w})
		if err != nil || !errors.Is(many[0], stores.ErrPermanent) {
			t.Errorf("put many %v: %v %v", id, many, err)
		}
		res, err := s.GetMany(t.Context(), []bson.RawValue{id, rawID(t, 7)})
		if err != nil || !errors.Is(res[0].Err, stores.ErrPermanent) || res[1].Err != nil {
			t.Errorf("get many %v: %v %v", id, res, err)
		}
	}
	if _, err := New[map[string]int, counter](t.Context(), coll, nil); err == nil {
		t.Error("a map as a key, whose fields have no order, is accepted")
	}
}

// Segments of skewed and mixed collections hold everything once, and each position in them can be gone on from.
func TestSegmentsOfSkewedCollections(t *testing.T) {
	t.Parallel()
	var mixed []any
	for i, group := range equalIDs(t) {
		if i != 4 {
			mixed = append(mixed, group[0])
		}
	}
	long, most := []any{}, []any{1.5, bson.ObjectID{1}, true, int64(-1)}
	for i := range 300 {
		long = append(long, fmt.Sprintf("the same long prefix of every id %04d", i))
		most = append(most, fmt.Sprint(i))
	}
	for name, ids := range map[string][]any{"empty": nil, "one": {"a"}, "mixed": mixed, "prefix": long, "most of one type": most} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			var docs []bson.D
			for _, id := range ids {
				docs = append(docs, bson.D{{Key: "_id", Value: id}})
			}
			if docs != nil {
				if _, err := coll.InsertMany(t.Context(), docs); err != nil {
					t.Fatal(err)
				}
			}
			s := open[bson.RawValue, bson.D](t, coll, nil)
			for _, n := range []int{1, 2, 7} {
				segs, err := s.Segments(t.Context(), n)
				if err != nil || len(segs) > n {
					t.Fatalf("%d segments, %v; want %d", len(segs), err, n)
				}
				all, _ := scanAll(t, s, nil)
				if got := inSegments(t, s, segs); !slices.EqualFunc(got, all, bytes.Equal) || len(all) != len(ids) {
					t.Errorf("%d documents, %d in a scan, %d in %d segments", len(ids), len(all), len(got), n)
				}
			}
		})
	}
}

// A sample may bring any id as a bound, not a number too.
func TestSegmentFromNotANumber(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	for _, id := range []any{math.NaN(), math.Inf(-1), int64(-5), 0.5, int64(4), int64(5)} {
		if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
	}
	s := open[bson.RawValue, bson.D](t, coll, nil)
	for _, nan := range []any{math.NaN(), decimal(t, "NaN")} {
		r := idRange{from: rawID(t, nan), to: rawID(t, int64(5))}
		if got := inSegments(t, s, []stores.Segment{r.segment()}); len(got) != 5 {
			t.Errorf("%d records from NaN to 5, want 5", len(got))
		}
		n := 0
		canon, err := s.keys.Append(nil, rawID(t, nan))
		if err != nil {
			t.Fatal(err)
		}
		r.from = rawID(t, math.Inf(-1))
		for _, err := range s.Scan(t.Context(), r.segment(), canon) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 4 {
			t.Errorf("%d records after NaN, want 4", n)
		}
	}
}

// inSegments scans segment by segment, with a stop and a fresh start in the middle of each.
func inSegments(t *testing.T, s *Store[bson.RawValue, bson.D], segs []stores.Segment) (all [][]byte) {
	t.Helper()
	for _, seg := range segs {
		var at []byte
		for again := true; again; {
			again = false
			n := 0
			for e, err := range s.Scan(t.Context(), seg, at) {
				if err != nil {
					t.Fatal(err)
				}
				if at, err = s.keys.Append(nil, e.Key); err != nil {
					t.Fatal(err)
				}
				all = append(all, at)
				if n++; n == 20 {
					again = true
					break
				}
			}
		}
	}
	return all
}

// What is there during the whole of a scan is found once, while others come.
func TestSegmentsBesideInserts(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	fillPlain(t, coll, 400)
	s := open[string, counter](t, coll, nil)
	segs, err := s.Segments(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var g sync.WaitGroup
	g.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, _ = coll.InsertOne(ctx, bson.D{{Key: "_id", Value: fmt.Sprintf("%06d-%d", i*7%400, i)}, {Key: "n", Value: -1}})
		}
	})
	seen := make(map[string]int)
	for _, seg := range segs {
		for e, err := range s.Scan(t.Context(), seg, nil) {
			if err != nil {
				t.Fatal(err)
			}
			seen[e.Key]++
		}
	}
	stop()
	g.Wait()
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s was found %d times", key, n)
		}
	}
	for i := range 400 {
		if seen[fmt.Sprintf("%06d", i)] != 1 {
			t.Errorf("%06d was not found", i)
		}
	}
}
