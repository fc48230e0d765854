package copier

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

type address struct{ City string }

type person struct {
	address
	Name   string
	Born   time.Time
	Tags   []string
	Extra  map[string]any
	Other  *person
	Score  float64
	Raw    []byte
	hidden int
}

func TestDeepEqual(t *testing.T) {
	t.Parallel()
	now := time.Now()
	zero := 0.0
	cycle := &person{}
	cycle.Other = cycle
	twin := &person{}
	twin.Other = twin
	for i, tc := range []struct {
		a, b any
		want bool
	}{
		{nil, nil, true},
		{1, 1, true},
		{1, 2, false},
		{int64(1), 1, false},
		{1.0, 1, false},
		{"a", "a", true},
		{nil, "a", false},
		{uint8(3), uint8(3), true},
		{true, false, false},
		{zero, -zero, true},
		{math.Copysign(0, -1), 0.0, true},
		{math.NaN(), math.NaN(), true},
		{math.NaN(), 1.0, false},
		{complex(math.NaN(), 1), complex(math.NaN(), 1), true},
		{now, now.Round(0), true},
		{now, now.UTC(), true},
		{now, now.Add(1), false},
		{[]string(nil), []string{}, true},
		{[]string{"a"}, []string{"a"}, true},
		{[]string{"a"}, []string{"b"}, false},
		{[]string{""}, []string(nil), false},
		{[]byte(nil), []byte{}, true},
		{[]byte("a"), []byte("b"), false},
		{[2]int{1, 2}, [2]int{1, 3}, false},
		{map[string]int(nil), map[string]int{}, true},
		{map[string]any{"a": 1}, map[string]any{"a": 1}, true},
		{map[string]any{"a": 1}, map[string]any{"b": 1}, false},
		{map[string]any{"a": nil}, map[string]any{}, false},
		{map[string]any{"a": []any{}}, map[string]any{"a": []any(nil)}, true},
		{json.Number("1.0"), json.Number("1"), true},
		{json.Number("10e-1"), json.Number("1"), true},
		{json.Number("-0"), json.Number("0.00e7"), true},
		{json.Number("-1"), json.Number("1"), false},
		{json.Number("0.1"), json.Number("0.10000000000000000001"), false},
		{json.Number("9007199254740993"), json.Number("9007199254740992"), false},
		{json.Number("1e999999999"), json.Number("10e999999998"), true},
		{json.Number("1e999999999"), json.Number("1e999999998"), false},
		{json.Number("x"), json.Number("y"), false},
		{json.Number("1"), json.Number(""), false},
		{"1.0", "1", false},
		{person{Tags: nil, Born: now}, person{Tags: []string{}, Born: now.UTC()}, true},
		{person{address: address{"a"}}, person{address: address{"b"}}, false},
		{person{hidden: 1}, person{hidden: 2}, false},
		{person{Other: &person{Name: "a"}}, person{Other: &person{Name: "a"}}, true},
		{person{Other: &person{Name: "a"}}, person{Other: &person{Name: "b"}}, false},
		{person{Other: &person{}}, person{}, false},
		{person{Raw: []byte{}}, person{}, true},
		{cycle, cycle, true},
		{cycle, twin, false},
		{func() {}, func() {}, false},
	} {
		if got := DeepEqual(tc.a, tc.b); got != tc.want {
			t.Errorf("%d: DeepEqual(%#v, %#v) = %v", i, tc.a, tc.b, got)
		}
		if got := DeepEqual(tc.b, tc.a); got != tc.want {
			t.Errorf("%d: it is not symmetric", i)
		}
	}
}

// trips is a store of which only the codec counts.
type trips struct {
	stores.Store[string, person]
	trip func(person) (person, error)
}

func (s trips) RoundTrip(p person) (person, error) { return s.trip(p) }

// Contents are equal when they are after a round trip through both codecs, in whatever order the two lose something.
func TestContentsAreComparedInCanonicalForm(t *testing.T) {
	t.Parallel()
	millis := trips{trip: func(p person) (person, error) {
		p.Born = p.Born.Truncate(time.Millisecond)
		return p, nil
	}}
	upper := trips{trip: func(p person) (person, error) {
		p.Name = strings.ToUpper(p.Name)
		if p.Name == "REFUSED" {
			return p, fmt.Errorf("not encodable")
		}
		return p, nil
	}}
	at := time.Date(2020, 1, 1, 0, 0, 0, 123456789, time.UTC)
	short := at.Truncate(time.Millisecond)
	for i, tc := range []struct {
		a, b person
		want bool
	}{
		{person{Name: "A", Born: at}, person{Name: "A", Born: at}, true},
		{person{Name: "a", Born: short}, person{Name: "A", Born: at}, true},
		{person{Name: "a", Born: at}, person{Name: "A", Born: short}, true},
		{person{Name: "a", Born: at}, person{Name: "b", Born: at}, false},
		{person{Name: "a", Born: at}, person{Name: "A", Born: at.Add(time.Second)}, false},
		{person{Name: "refused"}, person{Name: "REFUSED"}, false},
		{person{Name: "refused"}, person{Name: "refused"}, true},
	} {
		for _, c := range []comparer[string, person]{{old: millis, new: upper}, {old: upper, new: millis}} {
			if got := c.same(tc.a, tc.b); got != tc.want {
				t.Errorf("%d: %v", i, got)
			}
		}
	}
	user := comparer[string, person]{old: millis, new: upper, equal: func(a, b person) bool { return a.Score == b.Score }}
	if !user.same(person{Name: "a"}, person{Name: "b"}) || user.same(person{Score: 1}, person{}) {
		t.Error("the user's Equal does not decide alone")
	}
}

func FuzzSameNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.50", "1e3", "1000", "0.001e6", "12e-5"} {
		f.Add(s, "1")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := json.Number(a).Int64()
		y, errY := json.Number(b).Int64()
		if errX == nil && errY == nil && json.Valid([]byte(a)) && json.Valid([]byte(b)) && sameNumber(a, b) != (x == y) {
			t.Errorf("%s and %s", a, b)
		}
	})
}
