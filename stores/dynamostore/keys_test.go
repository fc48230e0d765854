package dynamostore

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
)

type (
	userID  string
	count   int32
	digest  [4]byte
	blob    []byte
	partKey struct {
		Tenant string `dynamodbav:"pk"`
		Seq    attributevalue.Number
		Hash   digest
	}
)

// testKeys stores a record under each key and looks for them by every way of reading.
func testKeys[K any](t *testing.T, schema []string, o *Options[K, Item], keys ...K) {
	t.Helper()
	client := newClient(t)
	s := open(t, client, newTable(t, client, schema...), o)
	var writes []stores.Write[K, Item]
	for i, key := range keys {
		r := stores.Record[Item]{Meta: stores.Meta{Version: stamp(1)}, Value: Item{"n": avN(fmt.Sprint(i))}}
		writes = append(writes, stores.Write[K, Item]{Key: key, Record: r, If: stores.IfStamp(stores.Absent)})
	}
	for _, w := range writes[:1] {
		mustPut(t, s, w)
	}
	errs, err := s.PutMany(t.Context(), writes[1:])
	for i, e := range append(errs, err) {
		if e != nil {
			t.Fatalf("key %d: %v", i, e)
		}
	}
	found, err := s.GetMany(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if got, err := s.Get(t.Context(), key); err != nil || !cmp.Equal(got.Value, writes[i].Record.Value, ignoreUnexported) {
			t.Errorf("get %v: %v, %v", key, got, err)
		}
		if !cmp.Equal(found[i].Record.Value, writes[i].Record.Value, ignoreUnexported) {
			t.Errorf("get many %v: %v", key, found[i])
		}
		b, err := s.Keys().Append(nil, key)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := s.Keys().Parse(b); err != nil || !cmp.Equal(back, key) {
			t.Errorf("%s is parsed as %v, %v; want %v", stores.FormatKey(b), back, err, key)
		}
	}
	seen := 0
	for e, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for i, key := range keys {
			if cmp.Equal(e.Key, key) && !cmp.Equal(e.Record.Value, writes[i].Record.Value, ignoreUnexported) {
				t.Errorf("scan of %v: %v", key, e.Record)
			}
		}
	}
	if seen != len(keys) {
		t.Errorf("the scan yields %d, want %d", seen, len(keys))
	}
}

func TestKeysOfEachKind(t *testing.T) {
	t.Parallel()
	testKeys[userID](t, []string{"id:S"}, nil, "a", "with \"quotes\"", "ümläut", "a\x00b", userID(strings.Repeat("x", 2048)))
	testKeys[int64](t, []string{"id:N"}, nil, 0, -1, math.MaxInt64, math.MinInt64, 1<<53+1)
	testKeys[uint64](t, []string{"id:N"}, nil, 0, math.MaxUint64, 1<<53+1)
	testKeys[count](t, []string{"id:N"}, nil, 7, math.MinInt32)
	testKeys[attributevalue.Number](t, []string{"id:N"}, nil, "12345678901234567890123456789012345678", "-0.00001", "1000000000000000000000", "0")
	testKeys[blob](t, []string{"id:B"}, nil, blob{0}, blob{0xff, 0xfe}, blob("text"))
	testKeys[digest](t, []string{"id:B"}, nil, digest{1}, digest{0, 0, 0, 1})
	testKeys[orderKey](t, []string{"pk:S", "sk:N"}, nil, orderKey{"t", 1}, orderKey{"t", 2}, orderKey{`t",2`, 1})
	testKeys(t, []string{"pk:S", "sk:B"}, &Options[partKey, Item]{
		EncodeKey: func(k partKey) (Item, error) {
			return Item{"pk": avS(k.Tenant + "#" + string(k.Seq)), "sk": avB(string(k.Hash[:]))}, nil
		},
		DecodeKey: func(m Item) (k partKey, err error) {
			var pk string
			if err := attributevalue.Unmarshal(m["pk"], &pk); err != nil {
				return k, err
			}
			tenant, seq, _ := strings.Cut(pk, "#")
			k = partKey{Tenant: tenant, Seq: attributevalue.Number(seq)}
			var hash []byte
			err = attributevalue.Unmarshal(m["sk"], &hash)
			copy(k.Hash[:], hash)
			return k, err
		},
	}, partKey{"t", "1", digest{1}}, partKey{"t", "2", digest{2}})
}

func TestCanonicalKeysAreThoseOfOtherStores(t *testing.T) {
	t.Parallel()
	same := func(got stores.KeyCodec[userID], want stores.KeyCodec[userID]) {
		t.Helper()
		a, errA := got.Append([]byte("x"), "key")
		b, errB := want.Append([]byte("x"), "key")
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%q, %v; want %q, %v", a, errA, b, errB)
		}
	}
	text, err := KeysOf[userID]()
	if err != nil {
		t.Fatal(err)
	}
	same(text, stores.StringKeys[userID]())
	if _, err := text.Append(nil, ""); err == nil {
		t.Error("the empty string is a key")
	}
	numbers, err := KeysOf[count]()
	if err != nil {
		t.Fatal(err)
	}
	a, _ := numbers.Append(nil, -5)
	if b, _ := stores.Int64Keys[int64]().Append(nil, -5); !bytes.Equal(a, b) {
		t.Errorf("% x, want % x", a, b)
	}
	if big, _ := stores.Int64Keys[int64]().Append(nil, 1<<40); true {
		if n, err := numbers.Parse(big); err == nil {
			t.Errorf("1<<40 is parsed as %d", n)
		}
	}
}

func TestCanonicalKeysHaveOneForm(t *testing.T) {
	t.Parallel()
	keys, err := KeysOf[partKey]()
	if err != nil {
		t.Fatal(err)
	}
	a, errA := keys.Append(nil, partKey{"<t>", "1.50", digest{1, 2, 3, 4}})
	b, errB := keys.Append(nil, partKey{"<t>", "15e-1", digest{1, 2, 3, 4}})
	if errA != nil || errB != nil || string(a) != string(b) || string(a) != `["<t>",1.5,"AQIDBA=="]` {
		t.Errorf("%s, %v; %s, %v", a, errA, b, errB)
	}
	for _, text := range []string{
		"", "[]", `["t",1]`, `["t",1,"AQIDBA==",2]`, `["t",1.0,"AQIDBA=="]`, `["t","1","AQIDBA=="]`, `["t",1,"AQID"]`,
		` ["t",1,"AQIDBA=="]`, `["t",1,"!"]`, `[1,1,"AQIDBA=="]`, `["\u0074",1,"AQIDBA=="]`,
	} {
		if k, err := keys.Parse([]byte(text)); err == nil {
			t.Errorf("%s is parsed as %v", text, k)
		}
	}
	if _, err := keys.Append(nil, partKey{Tenant: "\xff", Seq: "1"}); err == nil {
		t.Error("a string that is not UTF-8 has a canonical form")
	}
	if _, err := keys.Append(nil, partKey{Tenant: "t", Seq: "1e200"}); err == nil {
		t.Error("a number out of range has a canonical form")
	}
}

func TestKeysThatCanNeverBeStored(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	for _, key := range []string{"", strings.Repeat("x", 2049), "\xff"} {
		w := write{Key: key, Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
		for op, err := range map[string]error{"put": s.Put(t.Context(), w), "check": s.Check(w), "get": func() error { _, err := s.Get(t.Context(), key); return err }()} {
			if o, _ := stores.OutcomeOf(err); o != stores.OutcomeRejected {
				t.Errorf("%s of %.10q: %v", op, key, err)
			}
		}
	}
}
