package boltstore

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

type recursive struct {
	Next  *recursive
	Inner []map[string]struct{ Any any }
}

// roundTrip stores a value, and takes it back by Get.
func roundTrip[V any](t *testing.T, v V) V {
	t.Helper()
	s, err := View[string, V](open(t), "v", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := stores.Write[string, V]{Key: "k", If: stores.IfOlder(stamp(1)), Record: stores.Record[V]{Meta: stores.Meta{Version: stamp(1)}, Value: v}}
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	return got.Value
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	flat := map[string]any{"big": json.Number("9007199254740993"), "fraction": json.Number("1.10"), "html": "<a & b>"}
	if d := cmp.Diff(flat, roundTrip(t, flat)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	deep := recursive{Next: &recursive{Inner: []map[string]struct{ Any any }{{"k": {Any: json.Number("9007199254740993")}}}}}
	if d := cmp.Diff(deep, roundTrip(t, deep)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	type plain struct {
		Big  int64
		At   *time.Time
		HTML string
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	v := plain{9007199254740993, &at, "<a & b>"}
	if d := cmp.Diff(v, roundTrip(t, v)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What JSON would bend is refused before anything is written, and Check says so.
func TestWhatJSONBendsIsRefused(t *testing.T) {
	t.Parallel()
	type value struct {
		At    time.Time
		Text  string
		Count map[string]int
	}
	s, err := View[string, value](open(t), "v", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []value{
		{Text: "a\xffb"}, {Count: map[string]int{"a\xff": 1, "a\xfe": 2}},
		{At: time.Date(1930, 5, 1, 12, 0, 0, 0, time.FixedZone("", 19*60+32))}, {At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		w := stores.Write[string, value]{Key: "k", If: stores.IfOlder(stamp(1)), Record: stores.Record[value]{Meta: stores.Meta{Version: stamp(1)}, Value: v}}
		if err := s.Check(w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%+v: check: %v", v, err)
		}
		if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%+v: put: %v", v, err)
		}
		if errs, err := s.PutMany(t.Context(), []stores.Write[string, value]{w}); err != nil || !errors.Is(errs[0], stores.ErrPermanent) {
			t.Errorf("%+v: put many: %v %v", v, errs, err)
		}
		if _, err := s.RoundTrip("k", v); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%+v: round trip: %v", v, err)
		}
		if r, err := s.Get(t.Context(), "k"); !errors.Is(err, stores.ErrNotFound) {
			t.Errorf("%+v was stored as %+v, %v", v, r, err)
		}
	}
	type hidden struct{ Kept []struct{ x int } }
	if _, err := View[string, hidden](open(t), "v", stores.StringKeys[string](), nil); err == nil {
		t.Error("a type that JSON makes nothing of was taken")
	}
}

func TestValuesThatDoNotDecode(t *testing.T) {
	t.Parallel()
	t.Run("plain", valuesThatDoNotDecode[note])
	t.Run("with any", valuesThatDoNotDecode[struct {
		note
		Any any
	}])
}

func valuesThatDoNotDecode[V any](t *testing.T) {
	t.Parallel()
	db := open(t)
	s, err := View[string, V](db, "v", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"trailing": `{"n":1} {"n":2}`, "cut": `{"n":1`, "empty": ``, "type": `{"n":"one"}`, "garbage": `{"n":1}}`,
	} {
		damage(t, db, name, append(appendMeta(nil, stores.Meta{Version: stamp(1)}), raw...))
	}
	damage(t, db, "no bytes", []byte{})
	damage(t, db, "format", []byte{0x25, 2, 0})
	bad := 0
	for e, err := range s.Scan(t.Context(), "", nil) {
		var re *stores.RecordError
		if !errors.As(err, &re) {
			t.Fatalf("%v, %v", e, err)
		}
		bad++
		if _, err := s.Get(t.Context(), string(re.Key)); err == nil || errors.Is(err, stores.ErrNotFound) || !strings.Contains(err.Error(), string(re.Key)) {
			t.Errorf("%s: Get: %v", re.Key, err)
		}
	}
	if bad != 7 {
		t.Errorf("the scan named %d of 7 records", bad)
	}
	w := stores.Write[string, V]{Key: "format", Record: stores.Record[V]{Meta: stores.Meta{Version: stamp(2)}}, If: stores.IfOlder(stamp(2))}
	if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("a write over a record of unknown format: %v", err)
	}
}

// damage stores raw bytes in view v behind the store's back.
func damage(t *testing.T, db *DB, key string, raw []byte) {
	t.Helper()
	err := db.bolt.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("v")).Put([]byte(key), raw) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestCodecOfOnesOwn(t *testing.T) {
	t.Parallel()
	var kept [][]byte
	s, err := View(open(t), "v", stores.StringKeys[string](), &ViewOptions[note]{
		Encode: func(dst []byte, v note) ([]byte, error) {
			if v.N < 0 {
				return nil, errors.New("negative")
			}
			return append(dst, v.Text...), nil
		},
		Decode: func(b []byte) (note, error) {
			kept = append(kept, b)
			_ = append(b, "over the end"...)
			return note{Text: string(b)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"", "one", strings.Repeat("long ", 10_000)}
	for _, text := range texts {
		r := record{Meta: stores.Meta{Version: stamp(1)}, Value: note{Text: text}}
		mustPut(t, s, write{Key: "k" + text[:min(3, len(text))], Record: r, If: stores.IfOlder(stamp(1))})
	}
	var got []string
	for e, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Record.Value.Text)
	}
	if _, err := s.Get(t.Context(), "kone"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{texts[0], texts[2], texts[1]}, got); d != "" {
		t.Error(d)
	}
	if err := s.Check(write{Key: "k", Record: live(stamp(1), stores.Unknown, -1), If: stores.IfOlder(stamp(1))}); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("a refused value: %v", err)
	}
	for i, b := range kept { // they may be written on
		clear(b)
		if r, err := s.Get(t.Context(), "kone"); err != nil || r.Value.Text != "one" {
			t.Fatalf("after %d: %v %v", i, r, err)
		}
	}
}

func TestRoundTripIsWhatAReadGives(t *testing.T) {
	t.Parallel()
	db := open(t)
	s, err := View[string, map[string]any](db, "v", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	v := map[string]any{"n": 1.5, "nil": []string(nil), "odd": "\ufffd"}
	got, err := stores.RoundTrip(s, "k", v)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"n": json.Number("1.5"), "nil": nil, "odd": "\ufffd"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
