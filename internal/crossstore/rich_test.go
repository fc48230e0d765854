package crossstore

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// rich has a field of each type that a service may have, with the tags of both databases.
type rich struct {
	Text   string                `bson:"text" dynamodbav:"text"`
	Int32  int32                 `bson:"int32" dynamodbav:"int32"`
	Int64  int64                 `bson:"int64" dynamodbav:"int64"`
	Uint8  uint8                 `bson:"uint8" dynamodbav:"uint8"`
	Uint64 uint64                `bson:"uint64" dynamodbav:"uint64"`
	Float  float64               `bson:"float" dynamodbav:"float"`
	Single float32               `bson:"single" dynamodbav:"single"`
	Flag   bool                  `bson:"flag" dynamodbav:"flag"`
	Time   time.Time             `bson:"time" dynamodbav:"time"`
	Date   bson.DateTime         `bson:"date" dynamodbav:"date"`
	Number attributevalue.Number `bson:"number,omitempty" dynamodbav:"number,omitempty"`
	Bytes  []byte                `bson:"bytes" dynamodbav:"bytes"`
	ID     bson.ObjectID         `bson:"oid" dynamodbav:"oid"`
	Binary bson.Binary           `bson:"binary" dynamodbav:"binary"`
	Set    []string              `bson:"set,omitempty" dynamodbav:"set,stringset,omitempty"`
	List   []string              `bson:"list" dynamodbav:"list"`
	Map    map[string]int64      `bson:"map" dynamodbav:"map"`
	Ptr    *string               `bson:"ptr" dynamodbav:"ptr"`
	When   *time.Time            `bson:"when" dynamodbav:"when"`
	Sub    sub                   `bson:"sub" dynamodbav:"sub"`
	Subs   []sub                 `bson:"subs" dynamodbav:"subs"`
}

type sub struct {
	Name string   `bson:"name" dynamodbav:"name"`
	Size *int64   `bson:"size,omitempty" dynamodbav:"size,omitempty"`
	More []string `bson:"more,omitempty" dynamodbav:"more,omitempty"`
}

var richNames = []string{
	"text", "int32", "int64", "uint8", "uint64", "float", "single", "flag", "time", "date", "number", "bytes", "oid", "binary", "set", "list",
	"map", "ptr", "when", "sub", "subs",
}

// rich makes a value with the extremes of each type, some of which one of the places can not hold.
func (r random) rich() rich {
	v := rich{
		Text: r.text(), Int32: int32(r.int64()), Int64: r.int64(), Uint8: uint8(r.int64()), Uint64: uint64(pick(r, 0, 1, math.MaxInt64, r.int64())),
		Float: r.double(), Single: float32(r.NormFloat64()), Flag: r.IntN(2) == 0, Time: r.time(), Date: bson.DateTime(r.int64()),
		Number: attributevalue.Number(fmt.Sprintf("%d.%0*d7", r.int64(), r.IntN(18), r.IntN(10))), Bytes: r.bytes(), ID: r.objectID(), Binary: bson.Binary{Subtype: byte(pick(r, 0, 4, 0x80)), Data: r.bytes()},
		List: []string{r.text(), ""}, Map: map[string]int64{r.text() + "x": r.int64(), "b": 1}, Sub: r.sub(), Subs: []sub{r.sub(), r.sub()},
	}
	for i := range r.IntN(3) {
		v.Set = append(v.Set, fmt.Sprint(i, r.text()))
	}
	if r.IntN(2) == 0 {
		text, when := r.text(), r.time()
		v.Ptr, v.When = &text, &when
	}
	return v
}

func (r random) sub() (s sub) {
	s.Name = r.text()
	if r.IntN(2) == 0 {
		n := r.int64()
		s.Size, s.More = &n, []string{r.text()}
	}
	return s
}

func (r random) time() time.Time {
	return pick(r, time.Time{}, time.UnixMilli(r.int64()%1e14).UTC(), time.Unix(int64(r.Uint32()), int64(r.IntN(1e9))).UTC(),
		time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("Amsterdam", 19*60+32)), time.UnixMilli(r.int64()%1e15).UTC())
}

// TestStructsArriveOrAreNamed: a random value of a struct that both databases map comes back equal by way of the other
// one, or a copy says that it does not. The first place is one that holds all of it.
func TestStructsArriveOrAreNamed(t *testing.T) {
	t.Parallel()
	r, n := random{rand.New(rand.NewPCG(seed(t), 3))}, howMany(t, 400)
	db, client := mongotest.Database(t), dynamotest.Client(t)
	mongo := func(name string) stores.Store[string, rich] {
		s, err := mongostore.New[string, rich](t.Context(), db.Collection(name), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	dynamo := func() stores.Store[string, rich] {
		s, err := dynamostore.New[string, rich](t.Context(), client, dynamotest.Table(t, client, "id:S"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	values := map[string]rich{}
	for i := range n {
		values[fmt.Sprint("k", i)] = r.rich()
	}
	for name, way := range map[string][]stores.Store[string, rich]{
		"MongoDB first":  {mongo("a"), dynamo(), mongo("b")},
		"DynamoDB first": {dynamo(), mongo("c"), dynamo()},
	} {
		said := named{}
		for key, v := range values {
			said.put(t, way[0], key, v)
		}
		t.Log(name, len(said), "not taken as they are")
		maps.Copy(said, copyAlong(t, way...))
		after := map[string]rich{}
		for e, err := range way[2].Scan(t.Context(), "", nil) {
			if err != nil {
				t.Fatal(err)
			}
			after[e.Key] = e.Record.Value
		}
		judge(t, values, after, said, sameRich)
	}
}

// put stores a value, as whatever is in the first place of a migration came there, and notes what the place says to it.
func (said named) put(t *testing.T, s stores.Store[string, rich], key string, v rich) {
	t.Helper()
	back, errTrip := stores.RoundTrip(s, key, v)
	err := s.Put(t.Context(), stores.Write[string, rich]{
		Key: key, Record: stores.Record[rich]{Meta: stores.Meta{Version: stores.Unstamped}, Value: v}, If: stores.IfOlder(stores.Unstamped),
	})
	switch {
	case err != nil && errors.Is(err, stores.ErrPermanent) && errTrip != nil:
		said[key] = "rejected " + err.Error()
	case err != nil || errTrip != nil:
		t.Errorf("%T: %s: put says %v, the round trip %v", s, key, err, errTrip)
	case !sameRich(v, back):
		said[key] = "changed"
	}
}

// sameRich compares without the SDK: times as instants, -0 as 0, nil as empty.
func sameRich(a, b rich) bool {
	return cmp.Equal(a, b, cmpopts.EquateEmpty(), cmpopts.EquateNaNs(), cmp.Comparer(func(a, b attributevalue.Number) bool {
		x, okX := new(big.Rat).SetString(string(a))
		y, okY := new(big.Rat).SetString(string(b))
		return okX && okY && x.Cmp(y) == 0
	}))
}

// TestMisfitsAreNamed: what is stored under a field and has no room in its type is named by a copy, with the key: it is never
// rounded, cut or left out.
func TestMisfitsAreNamed(t *testing.T) {
	t.Parallel()
	db, client := mongotest.Database(t), dynamotest.Client(t)
	coll, from := db.Collection("misfits"), dynamotest.Table(t, client, "id:S")
	for name, v := range map[string]any{
		"int32": int64(1 << 40), "int64": 1.5, "uint8": 256, "uint64": -1, "single": math.MaxFloat64, "text": 1, "flag": "true", "time": true, "date": "2026-01-02",
		"oid": "0123", "list": bson.A{1}, "map": bson.D{{Key: "a", Value: "b"}}, "ptr": 1.5, "sub": bson.A{1}, "subs": bson.D{{Key: "name", Value: 1}}, "when": bson.A{1},
		"float": bson.NewDecimal128(0x3040000000000000, 1), "set": "one", "binary": 1, "bytes": 1, "number": true,
	} {
		if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: name}, {Key: name, Value: v}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, av := range map[string]types.AttributeValue{
		"int32": avN("1099511627776"), "int64": avN("1.5"), "uint8": avN(256), "uint64": avN(-1), "text": avB([]byte("x")), "flag": avN(1), "time": avS("yesterday"),
		"date": avS("2026-01-02"), "oid": avB([]byte("short")), "map": avM("a", avS("b")), "sub": avS("x"), "bytes": avS("x"), "set": avN(1), "subs": avN(1),
		"float": avS("1"), "list": avS("x"), "binary": avB([]byte{}), "when": avS(""), "ptr": avB([]byte("x")), "number": avM(), "single": avS("1"),
	} {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &from, Item: dynamostore.Item{"id": avS(name), name: av}}); err != nil {
			t.Fatal(err)
		}
	}
	documents, err := mongostore.New[string, rich](t.Context(), coll, nil)
	if err != nil {
		t.Fatal(err)
	}
	items, err := dynamostore.New[string, rich](t.Context(), client, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []stores.Store[string, rich]{documents, items} {
		to, err := memstore.New[string, rich](stores.StringKeys[string](), nil)
		if err != nil {
			t.Fatal(err)
		}
		said := copyAlong[rich](t, s, to)
		for _, name := range richNames {
			if strings.HasPrefix(said[name], string(copier.KindUndecodable)) {
				continue
			}
			e, err := to.Get(t.Context(), name)
			t.Errorf("%T: %s is named %q, and was copied: %+v, %v", s, name, said[name], e.Value, err)
		}
	}
}
