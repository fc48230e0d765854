package dynamostore

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

func blind(key string, n int) write {
	return write{Key: key, Record: live(stamp(n), stores.Unknown, int64(n)), If: stores.IfOlder(stamp(n))}
}

// TestPairsThatAreNotOffered: a plain read may see one item as a transaction leaves it and a later one the other item as
// it was before it.
func TestPairsThatAreNotOffered(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	tables := []string{newTable(t, client, "id:S"), newTable(t, client, "id:S")}
	plain, other := open[string, note](t, client, tables[0], nil), open[string, note](t, client, tables[1], nil)
	strict := open(t, client, tables[1], &Options[string, note]{TransactReads: true})
	elsewhere := open(t, newClient(t), tables[1], &Options[string, note]{TransactReads: true})
	strictHere := open(t, client, tables[0], &Options[string, note]{TransactReads: true})
	for name, pair := range map[string][2]*Store[string, note]{
		"plain reads": {plain, other}, "plain reads here": {plain, strict}, "plain reads there": {strict, plain}, "another client": {strictHere, elsewhere},
	} {
		if err := stores.PutPair(t.Context(), pair[0], blind("k", 1), pair[1], blind("k", 1)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := open(t, client, tables[0], &Options[string, note]{Attributes: []string{"n", "text", "tags"}})
	b := open(t, client, tables[0], &Options[string, note]{Attributes: []string{"n2"}, Meta: "_dw2", Encode: marshalTo("n2"), Decode: unmarshalFrom("n2")})
	if err := stores.PutPair(t.Context(), a, blind("k", 1), b, blind("l", 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("views of two items: %v", err)
	}
	if err := stores.PutPair(t.Context(), strict, blind("k", 1), strict, blind("k", 2)); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("one record twice: %v", err)
	}
	for i, table := range tables {
		if n := countItems(t, client, table); n != 0 {
			t.Errorf("table %d has %d items", i, n)
		}
	}
}

// marshalTo keeps a note's number under another name.
func marshalTo(name string) func(note) (Item, error) {
	return func(n note) (Item, error) {
		m, err := marshal(n)
		return Item{name: m["n"]}, err
	}
}

func unmarshalFrom(name string) func(Item) (note, error) {
	return func(m Item) (note, error) { return unmarshal[note](Item{"n": m[name]}) }
}

func countItems(t *testing.T, client *dynamodb.Client, table string) int {
	t.Helper()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	return int(out.Count)
}

// TestPairOfViewsIsOneRequest, and one that is refused leaves the item as it was.
func TestPairOfViewsIsOneRequest(t *testing.T) {
	t.Parallel()
	f := newFaulty(1, script())
	client := newClient(t, f.with)
	table := newTable(t, client, "id:S")
	a := open(t, client, table, &Options[string, note]{Attributes: []string{"n", "text", "tags"}})
	b := open(t, client, table, &Options[string, note]{Attributes: []string{"n2"}, Meta: "_dw2", Encode: marshalTo("n2"), Decode: unmarshalFrom("n2")})
	before := f.Sent()
	if err := stores.PutPair(t.Context(), a, blind("k", 1), b, blind("k", 1)); err != nil {
		t.Fatal(err)
	}
	if n := f.Sent() - before; n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	var both *stores.PairError
	err := stores.PutPair(t.Context(), a, blind("k", 2), b, blind("k", 1))
	if o, m := stores.OutcomeOf(func() error { errors.As(err, &both); return both.Second }()); both.First != nil || o != stores.OutcomeRefused || m.Version != stamp(1) {
		t.Errorf("%v", err)
	}
	item := raw(t, client, table, key("k"))
	for _, name := range []string{"n", "n2"} {
		if n := item[name].(*types.AttributeValueMemberN).Value; n != "1" {
			t.Errorf("%s is %s", name, n)
		}
	}
	if !stores.SamePlace[string, note](a, open(t, client, table, &Options[string, note]{})) || stores.SamePlace[string, note](a, b) {
		t.Error("two views are the same place, or a view and its table are not")
	}
	if !stores.SamePlace[string, note](a, open(t, newClient(t), table, &Options[string, note]{Attributes: []string{"n", "text", "tags"}, Meta: "_other"})) {
		t.Error("views of the same attributes, through another client, are not the same place")
	}
	if stores.SamePlace[string, note](a, notes(t, nil)) {
		t.Error("two tables are the same place")
	}
}

// TestPairTooLarge: a half that can never be stored is rejected, and the other half says what it would have been.
func TestPairTooLarge(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	o := &Options[string, note]{TransactReads: true}
	a, b := open(t, client, newTable(t, client, "id:S"), o), open(t, client, newTable(t, client, "id:S"), o)
	mustPut(t, b, blind("k", 5))
	large := blind("k", 2)
	large.Record.Value.Text = strings.Repeat("x", maxItem)
	var both *stores.PairError
	err := stores.PutPair(t.Context(), a, large, b, blind("k", 3))
	if !errors.As(err, &both) || !errors.Is(both.First, stores.ErrPermanent) {
		t.Fatalf("%v", err)
	}
	if o, m := stores.OutcomeOf(both.Second); o != stores.OutcomeRefused || m.Version != stamp(5) {
		t.Errorf("%v", both.Second)
	}
	err = stores.PutPair(t.Context(), a, large, b, blind("k", 6))
	if !errors.As(err, &both) || !errors.Is(both.First, stores.ErrPermanent) || both.Second != nil {
		t.Errorf("%v", err)
	}
}
