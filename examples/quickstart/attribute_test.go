package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

func TestAttributes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct{ stored, json string }{
		"null":                           {"*types.AttributeValueMemberNULL true", "null"},
		"true":                           {"*types.AttributeValueMemberBOOL true", "true"},
		`""`:                             {"*types.AttributeValueMemberS ", `""`},
		`"a\u00e9<&>\n"`:                 {"*types.AttributeValueMemberS aé<&>\n", `"aé<&>\n"`},
		"0":                              {"*types.AttributeValueMemberN 0", "0"},
		"0.000":                          {"*types.AttributeValueMemberN 0", "0"},
		"-7":                             {"*types.AttributeValueMemberN -7", "-7"},
		"1.50":                           {"*types.AttributeValueMemberN 1.5", "1.5"},
		"-0.05":                          {"*types.AttributeValueMemberN -0.05", "-0.05"},
		"12.5e-1":                        {"*types.AttributeValueMemberN 1.25", "1.25"},
		"1e3":                            {"*types.AttributeValueMemberN 1000", "1000"},
		"1e21":                           {"*types.AttributeValueMemberN 1" + strings.Repeat("0", 21), "1e+21"},
		"1e-7":                           {"*types.AttributeValueMemberN 0.0000001", "1e-7"},
		"123456789.01234567890123456789": {"*types.AttributeValueMemberN 123456789.01234567890123456789", "123456789.01234567890123456789"},
		strings.Repeat("7", 38):          {"*types.AttributeValueMemberN " + strings.Repeat("7", 38), strings.Repeat("7", 38)},
		"9e125":                          {"*types.AttributeValueMemberN 9" + strings.Repeat("0", 125), "9e+125"},
		"1e-130":                         {"*types.AttributeValueMemberN 0." + strings.Repeat("0", 129) + "1", "1e-130"},
		`{"b":[1,{}], "a":{"id":null}}`:  {"", `{"a":{"id":null},"b":[1,{}]}`},
	} {
		av, err := toAttribute([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := storedAs(av); want.stored != "" && got != want.stored {
			t.Errorf("%s is stored as %s, want %s", in, got, want.stored)
		}
		if got, err := appendAttribute(nil, av); err != nil || string(got) != want.json {
			t.Errorf("%s is %s, %v, want %s", in, got, err, want.json)
		}
	}
	for in, want := range map[string]string{
		strings.Repeat("7", 39):  "more digits",
		"1e126":                  "more digits",
		"1e-131":                 "more digits",
		"1e99999999999999999999": "more digits",
		"-0":                     "negative zero",
		"-0.0e5":                 "negative zero",
		`"\ud800"`:               "no Unicode text",
		`{"\ud800":1}`:           "no Unicode text",
		`[{"x":1,"x":1}]`:        `"x" is there twice`,
		`{"":1}`:                 "has no name",
		strings.Repeat("[", 32) + strings.Repeat("]", 32): "nested",
	} {
		if av, err := toAttribute([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", in, av, err, want)
		}
	}
}

func storedAs(av types.AttributeValue) string {
	switch v := av.(type) {
	case *types.AttributeValueMemberNULL:
		return fmt.Sprintf("%T %v", v, v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprintf("%T %v", v, v.Value)
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%T %v", v, v.Value)
	case *types.AttributeValueMemberN:
		return fmt.Sprintf("%T %v", v, v.Value)
	default:
		return fmt.Sprintf("%T", v)
	}
}

func TestDocsThatNoItemHolds(t *testing.T) {
	t.Parallel()
	sh := docShape(false, true)
	for line, want := range map[string]string{
		`{"id":"a","_dw":1}`: `"_dw" has a meaning of its own`,
		`{"id":"a","":1}`:    "has no name",
		`{"id":"a","x":-0}`:  `"x": -0 is a negative zero`,
		`{"id":"a","x":"` + strings.Repeat("x", maxItemText) + `"}`: "at most 200704 are taken",
	} {
		if _, err := readRecord([]byte(line), &sh); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", shorten([]byte(line)), err, want)
		}
	}
	both := docShape(true, true)
	for _, line := range []string{`{"id":"a","x.y":1}`, `{"id":"a","x":-0}`, `{"id":"a","x":` + strings.Repeat("7", 38) + `}`} {
		if rec, err := readRecord([]byte(line), &both); err == nil {
			t.Errorf("%s is taken as %s although one of the places can not hold it", line, rec.text)
		}
	}
}

// A record that was read is the same in every place: in both shapes, as a document and as an item.
func TestSettledInBoth(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	sh := docShape(true, true)
	taken := 0
	for n := range 2000 {
		line := fmt.Sprintf(`{"id":"r%d","v":%s,"w":%s}`, n, randomJSON(rng, 0), randomJSON(rng, 0))
		rec, err := readRecord([]byte(line), &sh)
		if err != nil {
			continue // a number that a place can not hold
		}
		taken++
		d, err := sh.decodeOld(rec.line)
		if err != nil {
			t.Fatal(err)
		}
		for name, through := range map[string]func(Doc) (Doc, error){
			"the old document": throughDocument(sh.oldDocuments), "the new document": throughDocument(sh.newDocuments),
			"the old item": throughItem(sh.oldItems), "the new item": throughItem(sh.newItems),
		} {
			back, err := through(d)
			if err != nil {
				t.Fatalf("%s: %s: %v", line, name, err)
			}
			if text, err := sh.text(back); err != nil || text != rec.text {
				t.Errorf("%s: %s: %v\n%s", line, name, err, cmp.Diff(rec.text, text))
			}
		}
	}
	if taken < 1000 {
		t.Errorf("only %d records were taken", taken)
	}
}

func throughItem(i items[Doc]) func(Doc) (Doc, error) {
	return func(d Doc) (Doc, error) {
		item, err := i.encode(d)
		if err != nil {
			return d, err
		}
		return i.decode(item)
	}
}

// randomJSON is any value, with numbers in all spellings.
func randomJSON(rng *rand.Rand, depth int) string {
	kinds := 8
	if depth > 3 {
		kinds = 6
	}
	switch rng.IntN(kinds) {
	case 0:
		return []string{"null", "true", "false"}[rng.IntN(3)]
	case 1:
		return []string{`""`, `"a"`, `"\u00e9\n<&>"`, `"😀"`}[rng.IntN(4)]
	case 2:
		return fmt.Sprint(rng.Int64() >> rng.IntN(64))
	case 3:
		return fmt.Sprintf("%d.%d", rng.IntN(1000), rng.Int64())
	case 4:
		return fmt.Sprintf("%de%d", rng.IntN(100000), rng.IntN(60)-30)
	case 5:
		return fmt.Sprintf("%d%018d.%03d", 1+rng.IntN(999), rng.IntN(1e18), rng.IntN(1000))
	case 6:
		return "[" + randomJSON(rng, depth+1) + ", " + randomJSON(rng, depth+1) + "]"
	default:
		return `{"b":` + randomJSON(rng, depth+1) + `,"a":` + randomJSON(rng, depth+1) + "}"
	}
}

// Places in both shapes as items, empty divisions included.
func TestPlaceItems(t *testing.T) {
	t.Parallel()
	sh := placeShape()
	for _, line := range []string{vila, placeWith("admin1", `""`), placeWith("lat", `"-90"`)} {
		_, p, err := parsePlace([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		for name, i := range map[string]items[Place]{"old": sh.oldItems, "new": sh.newItems} {
			item, err := i.encode(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, isString := item["lat"].(*types.AttributeValueMemberS); isString != (name == "old") {
				t.Errorf("%s: lat is %v", name, item["lat"])
			}
			if back, err := i.decode(item); err != nil || back != p {
				t.Errorf("%s: %v is %+v, %v, want %+v", name, item, back, err, p)
			}
		}
	}
}
