package dynamostore

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
)

// indexed makes a table whose key is pk and sk, with indexes of each kind: by-email and by-rank in kinds of their own, by-digest
// on bytes, inverted on the table's own key, and by-day within a partition.
func indexed(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	schema, defs := dynamotest.Key("pk:S", "sk:S")
	in := &dynamodb.CreateTableInput{KeySchema: schema, AttributeDefinitions: defs}
	known := map[string]bool{"pk": true, "sk": true}
	define := func(defs []types.AttributeDefinition) {
		for _, d := range defs {
			if !known[*d.AttributeName] {
				known[*d.AttributeName] = true
				in.AttributeDefinitions = append(in.AttributeDefinitions, d)
			}
		}
	}
	for name, key := range map[string][]string{
		"by-email": {"email:S"}, "by-rank": {"group:S", "rank:N"}, "by-digest": {"digest:B", "email:S"}, "inverted": {"sk:S", "pk:S"},
	} {
		index, defs := dynamotest.Index(name, key...)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, index)
		define(defs)
	}
	within, defs := dynamotest.Index("by-day", "pk:S", "day:S")
	define(defs)
	in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{IndexName: within.IndexName, KeySchema: within.KeySchema, Projection: within.Projection}}
	return dynamotest.TableOf(t, client, in)
}

// twoPart is a key of an indexed table.
type twoPart struct {
	P string `dynamodbav:"pk"`
	S string `dynamodbav:"sk"`
}

// past is the server's word on a write: it goes past what the store checks.
func past[K any](t *testing.T, s *Store[K, Item], w stores.Write[K, Item]) error {
	t.Helper()
	k, err := s.key(w.Key)
	if err != nil {
		t.Fatal(err)
	}
	c := &change{itemKey: k, meta: w.Record.Meta, cond: w.If, item: maps.Clone(w.Record.Value)}
	maps.Copy(c.item, k.attrs)
	c.item[s.opts.Meta] = metaValue(w.Record.Meta)
	return s.put(t.Context(), c)
}

// TestIndexKeysAreCheckedAsDynamoDBDoes: a value of each type in each attribute that is the key of an index. What the server
// refuses, Check refuses and says why; and only that.
func TestIndexKeysAreCheckedAsDynamoDBDoes(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[twoPart, Item](t, client, indexed(t, client), nil)
	values := Item{
		"S": avS("x"), "N": avN("1.5"), "B": avB("x"), "an empty S": avS(""), "an empty B": avB(""), "M": avM(Item{}),
		"BOOL": &types.AttributeValueMemberBOOL{Value: true}, "NULL": &types.AttributeValueMemberNULL{Value: true},
		"SS": &types.AttributeValueMemberSS{Value: []string{"x"}}, "NS": &types.AttributeValueMemberNS{Value: []string{"1"}},
		"BS": &types.AttributeValueMemberBS{Value: [][]byte{{1}}}, "L": &types.AttributeValueMemberL{Value: []types.AttributeValue{avS("x")}},
		"none": nil,
	}
	for attribute, index := range map[string]struct{ name, role, kind, wants string }{
		"group":  {"by-rank", "partition key", "S", "it is of type S and has 1 to 2048 bytes"},
		"email":  {"by-", "", "S", "it is of type S and has 1 to"}, // the key of two
		"rank":   {"by-rank", "sort key", "N", "it is a number (N)"},
		"digest": {"by-digest", "partition key", "B", "it is of type B and has 1 to 2048 bytes"},
		"day":    {"by-day", "sort key", "S", "it is of type S and has 1 to 1024 bytes"},
		"free":   {},
	} {
		for kind, av := range values {
			v := Item{"other": avN("1")}
			if av != nil {
				v[attribute] = av
			}
			meta := stores.Meta{Version: stamp(1)}
			w := stores.Write[twoPart, Item]{Key: twoPart{attribute, kind}, If: stores.IfStamp(stores.Absent), Record: stores.Record[Item]{Meta: meta, Value: v}}
			server, check := past(t, s, w), s.Check(w)
			w.Key.S += ", put"
			put := s.Put(t.Context(), w)
			if (check == nil) != (server == nil) || (put == nil) != (server == nil) || errors.Is(check, stores.ErrPermanent) != errors.Is(server, stores.ErrPermanent) {
				t.Errorf("%s in %s: Check says %v, Put %v, DynamoDB %v", kind, attribute, check, put, server)
			}
			fits := kind == index.kind || kind == "none" || attribute == "free"
			if fits != (check == nil) {
				t.Errorf("%s in %s: %v", kind, attribute, check)
			}
			if check == nil {
				continue
			}
			found := "of type " + kind
			if kind == "an empty "+index.kind {
				found = "is empty"
			} else if after, empty := strings.CutPrefix(kind, "an empty "); empty {
				found = "of type " + after
			}
			for _, want := range []string{"attribute " + attribute, found, index.role + " of index " + index.name, index.wants} {
				if !strings.Contains(check.Error(), want) {
					t.Errorf("%s in %s: %v\ndoes not say %q", kind, attribute, check, want)
				}
			}
		}
	}
}

// TestIndexKeysHaveALimit, which is another one for a partition key and a sort key, and holds for the key of the table as well
// where an index has it in another role. The limits are those of DynamoDB's documentation: the server of the tests has none.
func TestIndexKeysHaveALimit(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[twoPart, Item](t, client, indexed(t, client), nil)
	long := func(n int) string { return strings.Repeat("ü", n/2) + strings.Repeat("x", n%2) }
	for name, tt := range map[string]struct {
		key   func(n int) twoPart
		value func(n int) Item
		limit int
		says  string
	}{
		"partition key": {value: func(n int) Item { return Item{"email": avS(long(n)), "digest": avB("x")} }, limit: 1024, says: "sort key of index by-digest"},
		"alone":         {value: func(n int) Item { return Item{"group": avS(long(n))} }, limit: 2048, says: "partition key of index by-rank"},
		"bytes":         {value: func(n int) Item { return Item{"digest": avB(long(n))} }, limit: 2048, says: "partition key of index by-digest"},
		"sort key":      {value: func(n int) Item { return Item{"day": avS(long(n))} }, limit: 1024, says: "sort key of index by-day"},
		"table's key":   {key: func(n int) twoPart { return twoPart{long(n), "s"} }, limit: 1024, says: "sort key of index inverted"},
	} {
		for _, over := range []int{0, 1} {
			for _, deleted := range []bool{false, true} {
				w := stores.Write[twoPart, Item]{Key: twoPart{"p", "s"}, If: stores.IfOlder(stamp(1)), Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(1), Deleted: deleted}}}
				if tt.key != nil {
					w.Key = tt.key(tt.limit + over)
				}
				if tt.value != nil && !deleted {
					w.Record.Value = tt.value(tt.limit + over)
				}
				err := s.Check(w)
				want := over == 1 && (!deleted || tt.key != nil)
				if errors.Is(err, stores.ErrPermanent) != want || want && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s, %d over, deleted %v: %v", name, over, deleted, err)
				}
			}
		}
	}
}

// TestIndexKeysAreCheckedBeforeAnyRequest by whatever takes a write; what else is in a batch is stored.
func TestIndexKeysAreCheckedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	schema, defs := dynamotest.Key("id:S")
	index, more := dynamotest.Index("by-text", "text:S")
	table := dynamotest.TableOf(t, client, &dynamodb.CreateTableInput{
		KeySchema: schema, AttributeDefinitions: append(defs, more...), GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index},
	})
	type entry struct {
		Text string `dynamodbav:"text"`
	}
	r := &recorder{counts: map[string]int{}, bodies: map[string]string{}}
	s := open[string, entry](t, newClient(t, func(o *dynamodb.Options) { o.HTTPClient = r }), table, &Options[string, entry]{TransactReads: true})
	r.take()
	write := func(key, text string) stores.Write[string, entry] {
		return stores.Write[string, entry]{Key: key, If: stores.IfOlder(stamp(1)), Record: stores.Record[entry]{Meta: stores.Meta{Version: stamp(1)}, Value: entry{text}}}
	}
	if err := s.Put(t.Context(), write("k", "")); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("put: %v", err)
	}
	errs, err := s.PutMany(t.Context(), []stores.Write[string, entry]{write("k", ""), write("l", "")})
	if err != nil || !errors.Is(errs[0], stores.ErrPermanent) || !errors.Is(errs[1], stores.ErrPermanent) {
		t.Errorf("batch: %v, %v", errs, err)
	}
	if counts, n := r.take(); n != 0 {
		t.Errorf("requests were sent: %v", counts)
	}
	var pair *stores.PairError
	if err := s.PutPair(t.Context(), write("k", "a"), s, write("l", "")); !errors.As(err, &pair) || pair.First != nil || !errors.Is(pair.Second, stores.ErrPermanent) {
		t.Errorf("pair: %v", err)
	}
	errs, err = s.PutMany(t.Context(), []stores.Write[string, entry]{write("k", "a"), write("l", ""), write("m", "b")})
	if err != nil || errs[0] != nil || !errors.Is(errs[1], stores.ErrPermanent) || errs[2] != nil {
		t.Errorf("mixed batch: %v, %v", errs, err)
	}
	if n := countItems(t, client, table); n != 2 {
		t.Errorf("%d items, want two", n)
	}
}

// TestIndexesOfAttributesThatAViewDoesNotOwn are none of its business: it does not write them.
func TestIndexesOfAttributesThatAViewDoesNotOwn(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := indexed(t, client)
	view := open(t, client, table, &Options[twoPart, Item]{Attributes: []string{"n", "day"}})
	plant(t, client, table, Item{"pk": avS("p"), "sk": avS("s"), "email": avS("a@example.org")})
	w := stores.Write[twoPart, Item]{Key: twoPart{"p", "s"}, If: stores.IfOlder(stamp(1)),
		Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(1)}, Value: Item{"n": avS("")}}}
	mustPut(t, view, w)
	w.Record.Value = Item{"day": avS("")}
	if err := view.Check(w); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("an attribute of its own: %v", err)
	}
}

func TestNewRefusesMetadataThatIsTheKeyOfAnIndex(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := indexed(t, client)
	refusesTo(t, client, table, &Options[twoPart, Item]{Meta: "rank"}, "Meta rank", "sort key of index by-rank")
}

// TestIndexesThatDescribeTableTells: one that is being deleted refuses nothing for long, and a key may have several attributes.
func TestIndexesThatDescribeTableTells(t *testing.T) {
	t.Parallel()
	several, _ := dynamotest.Index("several", "a:S", "b:N")
	more, _ := dynamotest.Index("several", "c:B", "d:S")
	several.KeySchema = append(several.KeySchema, more.KeySchema...)
	going, _ := dynamotest.Index("going", "e:S")
	desc := &types.TableDescription{GlobalSecondaryIndexes: []types.GlobalSecondaryIndexDescription{
		{IndexName: several.IndexName, KeySchema: several.KeySchema, IndexStatus: types.IndexStatusCreating},
		{IndexName: going.IndexName, KeySchema: going.KeySchema, IndexStatus: types.IndexStatusDeleting},
		{IndexName: aws.String("old"), KeySchema: going.KeySchema},
	}}
	got := map[string]int{}
	for _, x := range indexKeys(desc, map[string]types.ScalarAttributeType{"a": "S", "b": "N", "c": "B", "d": "S", "e": "S"}) {
		got[x.index+"/"+x.name+":"+string(x.kind)] = x.limit
	}
	want := map[string]int{"several/a:S": 2048, "several/b:N": 1024, "several/c:B": 2048, "several/d:S": 1024, "old/e:S": 2048}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestNestingAndNamesAreCheckedAsDynamoDBDoes: how deep, around what, and how long the names are.
func TestNestingAndNamesAreCheckedAsDynamoDBDoes(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[string, Item](t, client, newTable(t, client, "id:S"), nil)
	write := func(key string, v Item) stores.Write[string, Item] {
		return stores.Write[string, Item]{Key: key, If: stores.IfOlder(stamp(1)), Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(1)}, Value: v}}
	}
	taken, refused := 0, 0
	for inner, av := range map[string]types.AttributeValue{
		"number": avN("1"), "set": &types.AttributeValueMemberNS{Value: []string{"1"}}, "empty list": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}, "empty map": avM(Item{}),
	} {
		for n := range 34 {
			if n > 0 && n%2 == 0 {
				av = &types.AttributeValueMemberL{Value: []types.AttributeValue{avS("x"), av}}
			} else if n > 0 {
				av = avM(Item{"a": avS("x"), "b": av})
			}
			if n < 29 {
				continue
			}
			w := write(inner, Item{"f": av})
			check, server := s.Check(w), past(t, s, w)
			w.Key, w.If = "put "+inner, stores.IfOlder(stamp(2))
			put := s.Put(t.Context(), w)
			if server != nil && errors.Is(server, stores.ErrPermanent) {
				refused++
			} else {
				taken++
			}
			if errors.Is(check, stores.ErrPermanent) != errors.Is(server, stores.ErrPermanent) || errors.Is(put, stores.ErrPermanent) != errors.Is(server, stores.ErrPermanent) {
				t.Errorf("%s in %d lists and maps: Check says %v, Put %v, DynamoDB %v", inner, n, check, put, server)
			}
		}
	}
	if taken == 0 || refused == 0 {
		t.Errorf("%d taken, %d refused", taken, refused)
	}
	// The server of the tests takes names of any length. DynamoDB says "must be less than 65536 bytes".
	for n, want := range map[int]bool{1<<16 - 1: true, 1 << 16: false} {
		name := strings.Repeat("n", n)
		for where, v := range map[string]Item{"top": {name: avN("1")}, "nested": {"m": avM(Item{name: avN("1")})}} {
			if err := s.Check(write("k", v)); (err == nil) != want || err != nil && !errors.Is(err, stores.ErrPermanent) {
				t.Errorf("a name of %d bytes, %s: %.200v", n, where, err)
			}
		}
	}
}
