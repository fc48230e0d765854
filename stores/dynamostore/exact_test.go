package dynamostore

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

type inner struct {
	Zip  string           `dynamodbav:"zip"`
	Note string           `dynamodbav:"note,omitempty"`
	Deep map[string]inner `dynamodbav:"deep,omitempty"`
}

type outer struct {
	ID     string                `dynamodbav:"id"`
	Text   string                `dynamodbav:"text"`
	Float  float64               `dynamodbav:"float"`
	Single float32               `dynamodbav:"single"`
	Flag   bool                  `dynamodbav:"flag"`
	Time   time.Time             `dynamodbav:"time"`
	Unix   time.Time             `dynamodbav:"unix,unixtime"`
	Number attributevalue.Number `dynamodbav:"number,omitempty"`
	Bytes  []byte                `dynamodbav:"bytes"`
	Ptr    *string               `dynamodbav:"ptr"`
	Set    []string              `dynamodbav:"set,stringset,omitempty"`
	Nums   []int64               `dynamodbav:"nums,numberset,omitempty"`
	List   []string              `dynamodbav:"list"`
	Two    [2]int                `dynamodbav:"two"`
	Maybe  string                `dynamodbav:"maybe,omitempty"`
	Zero   int32                 `dynamodbav:"zero,omitempty"`
	When   time.Time             `dynamodbav:"when,omitempty"`
	On     bool                  `dynamodbav:"on,omitempty"`
	Blob   []byte                `dynamodbav:"blob,omitempty"`
	Empty  []string              `dynamodbav:"empty,omitempty"`
	Sub    inner                 `dynamodbav:"sub"`
	Subs   []inner               `dynamodbav:"subs"`
	Subm   map[string]inner      `dynamodbav:"subm"`
	Guard  int64                 `dynamodbav:"guard"`
}

var null types.AttributeValue = &types.AttributeValueMemberNULL{Value: true}

func avBool(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

func avL(list ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: list}
}

func avSS(set ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: set} }
func avNS(set ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: set} }

// namedOf are the attributes that a scan names which finds one item.
func namedOf[V any](t *testing.T, o *Options[string, V], item Item) string {
	t.Helper()
	o = o.withDefaults()
	s := &Store[string, V]{opts: o, now: time.Now, table: table{name: "t", key: keySchema{{name: "id", kind: types.ScalarAttributeTypeS}}}}
	var err error
	if s.codec, err = newCodec(o); err != nil {
		t.Fatal(err)
	}
	if s.own, err = newOwnership(o, s.codec, s.table.key); err != nil {
		t.Fatal(err)
	}
	item["id"] = avS("key")
	var lost typeshape.Lost
	if r, err := s.noted(&lost, nil, itemKey{}, item); err != nil || !r.Live() {
		t.Fatalf("%v: %v, %v", item, r, err)
	}
	return strings.Join(lost.Take(), " ")
}

// TestWhatVDoesNotHoldIsNamed, and nothing else.
func TestWhatVDoesNotHoldIsNamed(t *testing.T) {
	t.Parallel()
	zip := avM(Item{"zip": avS("1")})
	for i, c := range []struct {
		stored Item
		want   string
	}{
		{Item{}, ""},
		{Item{"text": avS("a"), "float": avN("1.5"), "flag": avBool(true), "time": avS("2026-01-02T03:04:05.123456789Z"), "sub": zip, "subs": avL(zip, zip), "guard": avN("7")}, ""},
		// Numbers are equal whatever form they have, sets in any order.
		{Item{"float": avN("1.50"), "number": avN("12345678901234567890.123456789012345678"), "single": avN("0.1"), "unix": avN("17")}, ""},
		{Item{"float": avN("1E+21"), "set": avSS("b", "a"), "nums": avNS("10", "9", "1E+2")}, ""},
		{Item{"float": avN("1234567890.1234567890123456789012345678")}, "float"}, {Item{"single": avN("16777217")}, "single"},
		{Item{"text": avN("1")}, "text"}, {Item{"number": avS("12")}, "number"}, {Item{"list": avNS("1")}, "list"}, {Item{"list": avSS("1")}, "list"}, {Item{"set": avL(avS("a"))}, "set"},
		{Item{"time": avM(Item{"a": avS("b")})}, "time"}, {Item{"time": avN("1")}, "time"},
		// A NULL is kept where there is one in V.
		{Item{"ptr": null, "subs": null, "subm": null, "bytes": null}, ""}, {Item{"text": null}, "text"}, {Item{"flag": null}, "flag"}, {Item{"sub": null}, "sub"},
		{Item{"when": null}, "when"}, // attributevalue does not leave out a time
		// What the encoding leaves out is no loss if it is nothing.
		{Item{"maybe": avS(""), "zero": avN("0"), "when": avS("0001-01-01T00:00:00Z"), "on": avBool(false), "blob": avB(""), "empty": avL(), "bytes": avB("")}, ""},
		{Item{"maybe": null, "zero": null, "on": null, "blob": null, "empty": null, "number": null, "set": null}, ""},
		{Item{"sub": avM(Item{"zip": avS("1"), "note": null, "deep": avM(Item{})})}, ""},
		// On all levels, and by the path as long as names are no data.
		{Item{"sub": avM(Item{"zip": avS("1"), "more": avN("1")})}, "sub.more"}, {Item{"sub": avM(Item{"zip": avS("1"), "more": null})}, "sub.more"},
		{Item{"sub": avM(Item{"zip": null})}, "sub.zip"}, {Item{"subs": avL(zip, avM(Item{"zip": avS("1"), "more": avN("1")}))}, "subs.more"},
		{Item{"subm": avM(Item{"key": avM(Item{"zip": avS("1"), "more": avN("1")})})}, "subm"}, {Item{"subm": avM(Item{"a": zip, "b": zip})}, ""},
		{Item{"two": avL(avN("1"), avN("2"))}, ""}, {Item{"two": avL(avN("1"))}, "two"},
		// What counts the writes is no content.
		{Item{"guard": null}, ""},
		// What is nobody's.
		{Item{"theirs": avN("1"), "text": null}, "text theirs"},
	} {
		if got := namedOf(t, &Options[string, outer]{Guard: "guard"}, c.stored); got != c.want {
			t.Errorf("case %d: named are %q, want %q", i, got, c.want)
		}
	}
}

// TestWhatStoresOfOtherKindsName: a view answers for its own attributes, and an Item holds all there is.
func TestWhatStoresOfOtherKindsName(t *testing.T) {
	t.Parallel()
	type view struct {
		A string `dynamodbav:"a,omitempty"`
	}
	stored := func() Item { return Item{"a": null, "b": avN("1"), "c": avM(Item{"d": avN("1")})} }
	coded := &Options[string, view]{
		Decode: func(item Item) (v view, err error) { clear(item); return v, nil },
		Encode: func(view) (Item, error) { return Item{"b": avN("1.0")}, nil },
	}
	codedView := *coded
	codedView.Attributes = []string{"a", "b"}
	for want, got := range map[string]string{
		"":    namedOf(t, &Options[string, view]{Attributes: []string{"a"}}, stored()) + namedOf(t, &Options[string, Item]{}, stored()) + namedOf(t, &codedView, stored()),
		"b":   namedOf(t, &Options[string, view]{Attributes: []string{"a", "b"}}, stored()),
		"b c": namedOf(t, &Options[string, view]{}, stored()),
		"a b": namedOf(t, &Options[string, map[string]string]{}, Item{"a": null, "b": avN("1")}),
		"c":   namedOf(t, coded, stored()),
	} {
		if got != want {
			t.Errorf("named are %q, want %q", got, want)
		}
	}
}
