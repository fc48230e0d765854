package dynamostore

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// The kit over every way to own an item.

func noteValue(i int) note {
	return note{N: int64(i), Text: fmt.Sprint("text ", i), Tags: []string{"a", fmt.Sprint("b", i)}}
}

func equalNotes(a, b note) bool { // the key is filled in when it is read
	return a.N == b.N && a.Text == b.Text && fmt.Sprint(a.Tags) == fmt.Sprint(b.Tags)
}

// conformance is the kit's view of stores over tables with the key that is described.
func conformance[K, V any](o *Options[K, V], key func(int) K, value func(int) V, mutate func(*V), schema ...string) storetest.Config[K, V] {
	var client *dynamodb.Client
	return storetest.Config[K, V]{
		Timeout: 10 * time.Minute, // on a busy machine a server takes minutes for many writers of one key
		Open: func(tb testing.TB) stores.Store[K, V] {
			client = newClient(tb)
			return open(tb, client, newTable(tb, client, schema...), o)
		},
		Reopen: func(tb testing.TB, s stores.Store[K, V]) stores.Store[K, V] {
			return open(tb, newClient(tb), s.(*Store[K, V]).table.name, o)
		},
		Corrupt: func(tb testing.TB, s stores.Store[K, V], key K) {
			d := s.(*Store[K, V])
			k, err := d.key(key)
			if err != nil {
				tb.Fatal(err)
			}
			item := raw(tb, client, d.table.name, k.attrs)
			item[d.opts.Meta] = &types.AttributeValueMemberM{Value: Item{metaStamp: avB("too short")}}
			plant(tb, client, d.table.name, item)
		},
		Key:    key,
		Value:  value,
		Mutate: mutate,
	}
}

// contended is how many writes each of 32 writers of one key gets through: all but one of those that try at once are refused, so that
// a round takes some sixty requests, and a lost update shows in the first ones.
func contended() int {
	if testing.Short() {
		return 20
	}
	return 40
}

func stringKey(i int) string { return fmt.Sprintf("key-%d", i) }

func mutateNote(n *note) { clear(n.Tags) }

func TestConformance(t *testing.T) {
	t.Parallel()
	cfg := conformance(nil, stringKey, noteValue, mutateNote, "id:S")
	cfg.Equal = equalNotes
	cfg.Rounds = contended()
	cfg.AddField = func(tb testing.TB, s stores.Store[string, note], key string) string {
		d := s.(*Store[string, note])
		item := raw(tb, d.client, d.table.name, Item{"id": avS(key)})
		item["theirs"] = avS("x")
		plant(tb, d.client, d.table.name, item)
		return "theirs"
	}
	storetest.Run(t, cfg)
}

// variant leaves a test out under -short, which is how the race detector runs them: the goroutines are those of TestConformance.
func variant(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the whole kit again, with other keys and values")
	}
}

// TestConformanceOfItems: the item itself as V, numeric keys.
func TestConformanceOfItems(t *testing.T) {
	t.Parallel()
	variant(t)
	value := func(i int) Item {
		return Item{
			"n": avN(fmt.Sprint(i)), "b": avB(fmt.Sprint("bytes ", i)),
			"set":  &types.AttributeValueMemberSS{Value: []string{"a", fmt.Sprint("b", i)}},
			"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{avS("x"), avM(Item{"deep": avB("y")})}},
		}
	}
	cfg := conformance[int64, Item](nil, func(i int) int64 { return int64(i) - 50 }, value, func(m *Item) {
		clear((*m)["b"].(*types.AttributeValueMemberB).Value)
		clear((*m)["set"].(*types.AttributeValueMemberSS).Value)
		clear((*m)["list"].(*types.AttributeValueMemberL).Value[1].(*types.AttributeValueMemberM).Value)
		delete(*m, "n")
	}, "id:N")
	cfg.Rounds = 10
	storetest.Run(t, cfg)
}

type orderKey struct {
	Tenant string `dynamodbav:"pk"`
	Order  uint32 `dynamodbav:"sk"`
}

// TestConformanceOfCompositeKeys: a partition and a sort key, and functions instead of tags.
func TestConformanceOfCompositeKeys(t *testing.T) {
	t.Parallel()
	variant(t)
	cfg := conformance(&Options[orderKey, []byte]{
		Encode: func(b []byte) (Item, error) { return Item{"body": &types.AttributeValueMemberB{Value: b}}, nil },
		Decode: func(m Item) ([]byte, error) {
			b, ok := m["body"].(*types.AttributeValueMemberB)
			if !ok {
				return nil, fmt.Errorf("no body in %v", m)
			}
			return b.Value, nil
		},
	}, func(i int) orderKey { return orderKey{fmt.Sprint("tenant ", i%7), uint32(i / 7)} },
		func(i int) []byte { return fmt.Appendf(nil, "value %d", i) }, func(b *[]byte) { clear(*b) }, "pk:S", "sk:N")
	cfg.Rounds = 10
	storetest.Run(t, cfg)
}

// shape is what one of two views has of an item.
type shape struct {
	Name string            `dynamodbav:"name"`
	More map[string]string `dynamodbav:"more,omitempty"`
}

// TestConformanceOfViews: a view of items in which others have attributes as well, alone and as a pair with another view.
func TestConformanceOfViews(t *testing.T) {
	t.Parallel()
	options := func(i int) *Options[string, shape] {
		names := []string{"name", "more"}
		encode := func(v shape) (Item, error) {
			m := Item{names[0] + fmt.Sprint(i): avS(v.Name)}
			if v.More != nil {
				more := Item{}
				for k, s := range v.More {
					more[k] = avS(s)
				}
				m[names[1]+fmt.Sprint(i)] = avM(more)
			}
			return m, nil
		}
		return &Options[string, shape]{
			Attributes: []string{names[0] + fmt.Sprint(i), names[1] + fmt.Sprint(i)}, Meta: fmt.Sprint("_dw", i), Encode: encode,
			Decode: func(m Item) (v shape, err error) {
				name, ok := m[names[0]+fmt.Sprint(i)].(*types.AttributeValueMemberS)
				if !ok {
					return v, fmt.Errorf("no name in %v", m)
				}
				v.Name = name.Value
				if more, ok := m[names[1]+fmt.Sprint(i)].(*types.AttributeValueMemberM); ok {
					v.More = map[string]string{}
					for k, av := range more.Value {
						v.More[k] = av.(*types.AttributeValueMemberS).Value
					}
				}
				return v, nil
			},
		}
	}
	value := func(i int) shape { return shape{fmt.Sprint("name ", i), map[string]string{"k": fmt.Sprint(i)}} }
	cfg := conformance(options(1), stringKey, value, func(s *shape) { clear(s.More) }, "id:S")
	open1 := cfg.Open
	cfg.Open = func(tb testing.TB) stores.Store[string, shape] {
		s := open1(tb).(*Store[string, shape])
		// Items in which the view has nothing are no records of it.
		for i := range 3 {
			plant(tb, s.client, s.table.name, Item{"id": avS(fmt.Sprint("other-", i)), "else": avS("x"), "name2": avS("y")})
			plant(tb, s.client, s.table.name, Item{"id": avS(stringKey(i)), "else": avS("x")})
		}
		return s
	}
	cfg.OpenPair = func(tb testing.TB) (a, b stores.Store[string, shape]) {
		client := newClient(tb)
		table := newTable(tb, client, "id:S")
		return open(tb, client, table, options(1)), open(tb, client, table, options(2))
	}
	cfg.Rounds = 10
	storetest.Run(t, cfg)
}

// TestConformanceOfTransactions: reads and pairs of two tables by transactions.
func TestConformanceOfTransactions(t *testing.T) {
	t.Parallel()
	o := &Options[string, note]{TransactReads: true}
	cfg := conformance(o, stringKey, noteValue, mutateNote, "id:S")
	cfg.Equal = equalNotes
	cfg.OpenPair = func(tb testing.TB) (a, b stores.Store[string, note]) {
		client := newClient(tb)
		return open(tb, client, newTable(tb, client, "id:S"), o), open(tb, client, newTable(tb, client, "id:S"), o)
	}
	cfg.Rounds = 10
	storetest.Run(t, cfg)
}
