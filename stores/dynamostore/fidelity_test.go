package dynamostore

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dualwrite/dualwrite/stores"
)

var ignoreUnexported = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{}, types.AttributeValueMemberBS{}, types.AttributeValueMemberL{},
	types.AttributeValueMemberM{}, types.AttributeValueMemberN{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberNULL{},
	types.AttributeValueMemberS{}, types.AttributeValueMemberSS{},
)

// randomValue makes values of every type, of which some are ones that DynamoDB refuses.
func randomValue(rng *rand.Rand, depth int) types.AttributeValue {
	n := 10
	if depth > 4 {
		n = 8
	}
	switch rng.IntN(n) {
	case 0:
		return avS(randomText(rng))
	case 1, 2:
		return avN(randomNumber(rng))
	case 3:
		return avB(randomText(rng))
	case 4:
		return &types.AttributeValueMemberBOOL{Value: rng.IntN(2) == 0}
	case 5:
		return &types.AttributeValueMemberNULL{Value: rng.IntN(20) > 0}
	case 6:
		set := &types.AttributeValueMemberSS{}
		for range rng.IntN(4) {
			set.Value = append(set.Value, randomText(rng))
		}
		return set
	case 7:
		if rng.IntN(2) == 0 {
			set := &types.AttributeValueMemberBS{}
			for range rng.IntN(4) {
				set.Value = append(set.Value, []byte(randomText(rng)))
			}
			return set
		}
		set := &types.AttributeValueMemberNS{}
		for range rng.IntN(4) {
			set.Value = append(set.Value, randomNumber(rng))
		}
		return set
	case 8:
		list := &types.AttributeValueMemberL{}
		for range rng.IntN(4) {
			list.Value = append(list.Value, randomValue(rng, depth+1))
		}
		return list
	default:
		return avM(randomItem(rng, depth+1))
	}
}

func randomItem(rng *rand.Rand, depth int) Item {
	m := Item{}
	for range rng.IntN(4) {
		m[[]string{"a", "name", "with space", "#x", ":y", "it's", "日本", "a.b", "size", "_dw2"}[rng.IntN(10)]] = randomValue(rng, depth)
	}
	return m
}

func randomText(rng *rand.Rand) string {
	return []string{"", "a", "b", "x\x00y", "ünï", "\U0001F600", `"\`, "\xff\xfe", "long " + strings.Repeat("x", rng.IntN(300))}[rng.IntN(9)]
}

func randomNumber(rng *rand.Rand) string {
	digits := 1 + rng.IntN(40)
	var b strings.Builder
	if rng.IntN(2) == 0 {
		b.WriteByte('-')
	}
	point := rng.IntN(2 * digits)
	for i := range digits {
		if i == point && i > 0 {
			b.WriteByte('.')
		}
		b.WriteByte("0123456789"[rng.IntN(10)])
	}
	if rng.IntN(3) == 0 {
		fmt.Fprintf(&b, "e%d", rng.IntN(280)-140)
	}
	return b.String()
}

// TestItemsComeBackAsTheyWere: a random item is stored exactly, or refused with the same verdict by Check and Put.
func TestItemsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[string, Item](t, client, newTable(t, client, "id:S"), nil)
	rng := rand.New(rand.NewPCG(seed(t), 1))
	stored, refused := 0, 0
	for i := range 1500 {
		v := randomItem(rng, 0)
		want := cloneItem(v)
		w := stores.Write[string, Item]{Key: fmt.Sprint("k", i), Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(1)}, Value: v}, If: stores.IfStamp(stores.Absent)}
		check, put := s.Check(w), s.Put(t.Context(), w)
		if !cmp.Equal(v, want, ignoreUnexported, cmpopts.EquateEmpty()) {
			t.Fatalf("the value was changed: %v", cmp.Diff(want, v, ignoreUnexported))
		}
		if (check == nil) != (put == nil) || put != nil && !errors.Is(put, stores.ErrPermanent) {
			t.Fatalf("check says %v, put says %v", check, put)
		}
		if put != nil {
			refused++
			continue
		}
		stored++
		again, err := s.RoundTrip(w.Key, v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), w.Key)
		if err != nil || !cmp.Equal(got.Value, again, ignoreUnexported) {
			t.Fatalf("%v: get and round trip differ:\n%s", err, cmp.Diff(again, got.Value, ignoreUnexported))
		}
		if d := difference(v, got.Value); d != "" {
			t.Fatal(d)
		}
	}
	if stored < 200 || refused < 200 {
		t.Errorf("%d stored, %d refused", stored, refused)
	}
}

// difference compares two items by what they mean, without the code of this package.
func difference(a, b Item) string {
	normal := cmp.Options{
		ignoreUnexported,
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b types.AttributeValueMemberN) bool { return sameNumber(a.Value, b.Value) }),
		cmp.Comparer(func(a, b types.AttributeValueMemberNS) bool {
			return len(a.Value) == len(b.Value) && sameSet(a.Value, b.Value, sameNumber)
		}),
		cmp.Comparer(func(a, b types.AttributeValueMemberSS) bool {
			return len(a.Value) == len(b.Value) && sameSet(a.Value, b.Value, func(x, y string) bool { return x == y })
		}),
		cmp.Comparer(func(a, b types.AttributeValueMemberBS) bool {
			return len(a.Value) == len(b.Value) && sameSet(a.Value, b.Value, func(x, y []byte) bool { return string(x) == string(y) })
		}),
	}
	return cmp.Diff(a, b, normal)
}

func sameSet[E any](a, b []E, same func(E, E) bool) bool {
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || same(x, y)
		}
		if !found {
			return false
		}
	}
	return true
}

// sameNumber compares by long arithmetic: a value times ten to the exponent.
func sameNumber(a, b string) bool {
	x, okX := exactly(a)
	y, okY := exactly(b)
	return okX && okY && x.Cmp(y) == 0
}

func TestNumbersHaveOneForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "00": "0", "+1": "1", "1.0": "1", "1.50": "1.5", "-1.50": "-1.5", ".5": "0.5", "5.": "5",
		"1e3": "1000", "1E-3": "0.001", "12.5e1": "125", "0012": "12", "1e125": "1" + strings.Repeat("0", 125), "1e-130": "0." + strings.Repeat("0", 129) + "1",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678", "100": "100", "-100": "-100",
	} {
		if got, err := plainNumber(in); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", "a", "1a", "1e", "--1", "1.2.3", "NaN", "Infinity", "0x10", "1e126", "1e-131", "123456789012345678901234567890123456789", "1e99999999999", " 1"} {
		if got, err := plainNumber(in); err == nil {
			t.Errorf("%q is %s, want an error", in, got)
		}
	}
}

func TestTypesOfStructsComeBack(t *testing.T) {
	t.Parallel()
	type all struct {
		I64    int64                 `dynamodbav:"i64"`
		U64    uint64                `dynamodbav:"u64"`
		F      float64               `dynamodbav:"f"`
		Num    attributevalue.Number `dynamodbav:"num"`
		Time   time.Time             `dynamodbav:"time"`
		Bytes  []byte                `dynamodbav:"bytes"`
		Empty  []byte                `dynamodbav:"empty"`
		Text   string                `dynamodbav:"text"`
		Set    []int64               `dynamodbav:"set,numberset"`
		Map    map[string][]string   `dynamodbav:"map"`
		Ptr    *int                  `dynamodbav:"ptr"`
		Nested struct{ A, B string } `dynamodbav:"nested"`
		Nil    map[string]int        `dynamodbav:"nil"`
	}
	client := newClient(t)
	s := open[string, all](t, client, newTable(t, client, "id:S"), nil)
	seven := 7
	v := all{
		I64: math.MaxInt64, U64: math.MaxUint64, F: 0.1, Num: "12345678901234567890.123456789", Time: time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC),
		Bytes: []byte{0, 255}, Empty: []byte{}, Set: []int64{1, 2, 3}, Map: map[string][]string{"a": {"", "b"}, "e": {}}, Ptr: &seven,
	}
	w := stores.Write[string, all]{Key: "k", Record: stores.Record[all]{Meta: stores.Meta{Version: stamp(1)}, Value: v}, If: stores.IfStamp(stores.Absent)}
	mustPut(t, s, w)
	got, err := s.Get(t.Context(), "k")
	if err != nil || !cmp.Equal(got.Value, v) {
		t.Errorf("%v: %s", err, cmp.Diff(v, got.Value))
	}
	if again, err := s.RoundTrip(w.Key, v); err != nil || !cmp.Equal(again, v) {
		t.Errorf("%v: %s", err, cmp.Diff(v, again))
	}
	for name, bad := range map[string]all{
		"not a number": {F: math.NaN()}, "infinity": {F: math.Inf(1)}, "40 digits": {Num: "1234567890123456789012345678901234567890"}, "no UTF-8": {Text: "\xff"},
	} {
		w.Record.Value = bad
		w.Key = name
		if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.RoundTrip(w.Key, bad); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("round trip of %s: %v", name, err)
		}
	}
}

// TestSizeIsExact: what Check takes is stored, and one byte more is refused by both, with the size. The server is the
// judge.
func TestSizeIsExact(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[string, Item](t, client, newTable(t, client, "id:S"), nil)
	for name, v := range map[string]Item{
		"text": {}, "numbers": {"a": avN("1.5"), "b": avN("-12"), "c": avN("100"), "d": avN("0"), "e": avN("12345678901234567890123456789012345678")},
		"sets":   {"s": &types.AttributeValueMemberSS{Value: []string{"a", "bcd"}}, "n": &types.AttributeValueMemberNS{Value: []string{"1", "123"}}},
		"nested": {"m": avM(Item{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{avS("x"), &types.AttributeValueMemberNULL{Value: true}}}, "ü": avB("yy")})},
		"flags":  {"t": &types.AttributeValueMemberBOOL{Value: true}},
	} {
		meta := stores.Meta{Version: stamp(1), Prev: stores.Absent, Intent: true}
		w := stores.Write[string, Item]{Key: "key of " + name, Record: stores.Record[Item]{Meta: meta}, If: stores.IfOlder(stamp(1))}
		size := 2 + len(w.Key) + len("pad")
		n, err := itemSize(v, 0)
		m, errMeta := itemSize(Item{"_dw": metaValue(meta)}, 0)
		if err := errors.Join(err, errMeta); err != nil {
			t.Fatal(err)
		}
		for _, over := range []int{1, 0} {
			w.Record.Value = cloneItem(v)
			w.Record.Value["pad"] = avS(strings.Repeat("x", maxItem-size-n-m+over))
			c := &change{meta: meta, item: maps.Clone(w.Record.Value)}
			c.attrs = Item{"id": avS(w.Key)}
			c.item["id"], c.item["_dw"] = avS(w.Key), metaValue(meta)
			plantErr := func() error {
				c.cond = w.If
				return s.put(t.Context(), c)
			}()
			check := s.Check(w)
			if (check != nil) != (over == 1) || (plantErr != nil) != (over == 1) {
				t.Errorf("%s, %d over: check says %v, the server says %v", name, over, check, plantErr)
			}
			if over == 1 && (!errors.Is(check, stores.ErrPermanent) || !errors.Is(plantErr, stores.ErrPermanent) || !strings.Contains(check.Error(), "409601")) {
				t.Errorf("%s: check says %v, the server says %v", name, check, plantErr)
			}
		}
	}
}
