package stores

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
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

func TestDiff(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	type item struct{ Name, Note string }
	type outer struct {
		Name  string
		At    time.Time
		Home  *address
		Items []item
		ByKey map[string]item
		Any   any
		Raw   []byte
	}
	a := outer{Name: "a", At: at, Home: &address{"x"}, Items: []item{{"1", "n"}, {"2", "n"}}, ByKey: map[string]item{"k": {"1", ""}}, Any: 1, Raw: []byte{1}}
	b := outer{
		Name: "a", At: at.Truncate(time.Millisecond), Home: &address{"y"}, Items: []item{{"1", "m"}, {"3", "m"}}, ByKey: map[string]item{"k": {"2", ""}},
		Any: "1", Raw: []byte{2},
	}
	check := func(found []Difference, want ...string) {
		t.Helper()
		if got := fmt.Sprint(found); got != fmt.Sprint(want) {
			t.Errorf("got\n%s\nwant\n%s", got, fmt.Sprint(want))
		}
	}
	check(Diff(a, b), "At: 2026-01-02T03:04:05.123456789Z, 2026-01-02T03:04:05.123Z", `Home.City: "x", "y"`, `Items.Note: "n", "m"`, `Items.Name: "2", "3"`,
		`ByKey.Name: "1", "2"`, `Any: 1, "1"`, "Raw: [1], [2]")
	check(Diff(a, a))
	check(Diff(outer{Items: []item{{"1", ""}}, ByKey: map[string]item{"k": {}}}, outer{ByKey: map[string]item{"l": {}}, Home: &address{}}),
		"Home: <nil>, {City:}", "Items: [{Name:1 Note:}], []", "ByKey: map[k:{Name: Note:}], map[l:{Name: Note:}]")
	check(Diff(map[string]any{"a": 1, "b": map[string]any{"x": 1}, "c": 1}, map[string]any{"a": 2, "b": map[string]any{"x": 2}}), "a: 1, 2", "b: 1, 2", "c: 1, -")
	check(Diff("a", "b"), `: "a", "b"`)
	if _, long := Diff("", strings.Repeat("ä", 200))[0].Shown(); len(long) > 110 || !utf8.ValidString(long) {
		t.Errorf("%d bytes are shown", len(long))
	}
}
