package jsonform

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type (
	secret struct{ Text string }     // its JSON is no inverse
	rounds struct{ Hidden, N int64 } // its Equal says that it is one all the same
	upper  [1]byte
	lazy   int
	hidden struct{ _ int }
	inside struct{ In int }
	tree   struct {
		Kids []tree    `json:"kids"`
		At   time.Time `json:"at"`
	}
	two   struct{ A, B int }
	left  struct{ X string }
	right struct{ X string }
	clash struct {
		left
		right
	}
)

func (secret) MarshalJSON() ([]byte, error)    { return []byte(`"***"`), nil }
func (s *secret) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &s.Text) }
func (r rounds) MarshalText() ([]byte, error)  { return fmt.Append(nil, r.N), nil }
func (r *rounds) UnmarshalText(b []byte) error { _, err := fmt.Sscan(string(b), &r.N); return err }
func (r rounds) Equal(o rounds) bool           { return r.N == o.N }
func (u upper) MarshalText() ([]byte, error)   { return []byte(strings.ToUpper(string(u[:]))), nil }
func (l lazy) IsZero() bool                    { return l < 10 }
func (u *upper) UnmarshalText(b []byte) error  { copy(u[:], b); return nil }
func zone(seconds int) *time.Location          { return time.FixedZone("", seconds) }
func ptr[T any](v T) *T                        { return &v }

// refused are values that encoding/json would acknowledge and give back as others, and kept those that it gives back.
func check[V any](t *testing.T, keeps bool, values ...V) {
	t.Helper()
	c, err := New[V]()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		b, err := c.Append(nil, v)
		switch back, err2 := c.Parse(b); {
		case keeps && (err != nil || err2 != nil):
			t.Errorf("%T %+v is refused: %v %v", v, v, err, err2)
		case !keeps && err == nil:
			t.Errorf("%T %+v is %s, and comes back as %+v, %v", v, v, b, back, err2)
		}
	}
}

func TestWhatJSONBendsIsRefused(t *testing.T) {
	t.Parallel()
	old := time.Date(1930, 5, 1, 12, 0, 0, 0, zone(19*60+32))
	check(t, false, "a\xffb", "\xed\xa0\x80")
	check(t, false, map[string]int{"a\xff": 1, "a\xfe": 2}, map[string]int{"\xff": 1})
	check[any](t, false, "a\xffb", map[string]any{"x": []any{"\xff"}}, map[string]any{"\xff": 1}, old, map[string]any{"at": old}, struct{ At *time.Time }{&old}, math.NaN(), func() {})
	check(t, false, struct{ T time.Time }{old}, struct{ T time.Time }{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, struct{ T time.Time }{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)})
	check(t, false, []*time.Time{nil, &old})
	check(t, false, map[string][2]time.Time{"k": {{}, old}})
	check(t, false, tree{Kids: []tree{{At: old}}})
	check(t, false, secret{"x"})
	check(t, false, []secret{{"x"}})
	check(t, false, map[upper]int{{'a'}: 1, {'A'}: 2}, map[upper]int{{'a'}: 1})
	check(t, false, struct{ S fmt.Stringer }{netip.MustParseAddr("::1")})
	check(t, false, struct {
		L lazy `json:",omitzero"`
	}{7})
	check(t, false, struct{ P **int }{new(*int)})
	check(t, false, struct{ *inside }{&inside{1}})
	check(t, false, json.Number("1x"), json.Number("\xff"))
	check(t, false, struct {
		S string `json:",string"`
	}{"\xff"})
	check(t, false, math.NaN(), math.Inf(1))
}

func TestWhatJSONKeepsIsTaken(t *testing.T) {
	t.Parallel()
	check(t, true, "", `\ufffd`, "\ufffd", `\\ufffd`, "<&>\u2028\x00", strings.Repeat("x", 1<<16))
	check[any](t, true, nil, 1, 1.5, uint8(1), "x", []byte("\xff"), two{1, 2}, []any{two{2, 1}, map[string]two{"b": {}, "a": {}}}, map[int]string{1: "\ufffd"}, time.Now(), json.Number("1.10"), json.Number("9007199254740993"))
	check(t, true, time.Time{}, time.Now(), time.Date(2026, 1, 2, 3, 4, 5, 678901234, zone(5*3600+30*60)))
	check(t, true, rounds{Hidden: 7, N: 1})
	check(t, true, map[upper]int{{'A'}: 1, {'B'}: 2})
	check(t, true, tree{Kids: []tree{{}, {Kids: []tree{}}}})
	check(t, true, *big.NewInt(1 << 62), big.Int{})
	check(t, true, big.NewRat(1, 3), big.NewRat(4, 1))
	check(t, true, netip.MustParseAddr("fe80::1%eth0"))
	check(t, true, struct{ *inside }{nil})
	check(t, true, struct {
		N json.Number
		R json.RawMessage
		F float32
		L lazy `json:",omitzero"`
	}{F: math.SmallestNonzeroFloat32, L: 11})
	check(t, true, math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64)
	check(t, true, [][]byte{nil, {}, []byte("\xff")})
	check(t, true, map[int64]string{math.MinInt64: ""})
}

func TestTypesThatJSONDropsAreRefused(t *testing.T) {
	t.Parallel()
	_, a := New[clash]()
	_, b := New[map[string][]*hidden]()
	_, c := New[struct{ U url.URL }]()
	_, d := New[struct {
		clash
		X string
	}]()
	if a == nil || b == nil || c == nil || d != nil {
		t.Errorf("%v, %v, %v, %v", a, b, c, d)
	}
	if a != nil && !strings.Contains(a.Error(), "X and X under one name") {
		t.Error(a)
	}
}

// A value that JSON can not bend is encoded once and not compared.
func TestPlainValuesAreNotCompared(t *testing.T) {
	t.Parallel()
	type plain struct {
		S string
		N []map[string]*int64
		T time.Time
		R json.RawMessage
	}
	c, err := New[plain]()
	if err != nil || c.suspect == nil {
		t.Fatal(err)
	}
	v := plain{S: `\ufff`, N: []map[string]*int64{{"k": ptr(int64(1))}}, T: time.Now()}
	want, err := json.Marshal(v)
	if got, err2 := c.Append([]byte("head"), v); errors.Join(err, err2) != nil || string(got) != "head"+string(want) {
		t.Errorf("%s, %v %v", cmp.Diff("head"+string(want), string(got)), err, err2)
	}
	if c.suspect(reflect.ValueOf(&v).Elem()) {
		t.Error("it would be compared")
	}
}
