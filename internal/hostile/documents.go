// Package hostile has what is legal somewhere and awkward everywhere: documents of every BSON type, with every type of _id and with names
// that updates can not address; items of DynamoDB; texts, numbers and times that a format bends. Tests of all stores draw from it: they
// store what is here, change something beside it, and compare.
package hostile

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Document is a document as MongoDB stores it, its _id first.
type Document struct {
	Name string // what is awkward about it
	ID   bson.RawValue
	Raw  bson.Raw
	Kind Kind
	// Twice says that a name is there twice, at the top or in the _id.
	Twice bool
}

// Kind is what a document is there for.
type Kind int

// The kinds of documents.
const (
	Values Kind = iota
	Names
	IDs
)

// storable is how many of the values, from the first on, each server can change a document with, whatever the kind of write.
const storable = 30

// Documents are all of them, each under an _id of its own: every value and every set of names, and a plain document for each _id.
func Documents() []Document {
	var docs []Document
	add := func(kind Kind, name string, id any, fields bson.D) {
		raw, err := bson.Marshal(append(bson.D{{Key: "_id", Value: id}}, fields...))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err)) // the tables are wrong
		}
		docs = append(docs, Document{Name: name, Kind: kind, Raw: raw, ID: bson.Raw(raw).Lookup("_id")})
	}
	values := values()
	for i, v := range values {
		id := fmt.Sprintf("value-%02d", i)
		add(Values, fmt.Sprintf("%T %v", v, v), id, bson.D{
			{Key: "v", Value: v}, {Key: "in", Value: bson.D{{Key: "list", Value: bson.A{v, bson.D{{Key: "v", Value: v}}}}}},
		})
	}
	for i, names := range names() {
		fields, nested := bson.D{}, bson.D{}
		for n, name := range names {
			fields = append(fields, bson.E{Key: name, Value: int32(n)})
			nested = append(nested, bson.E{Key: name, Value: values[(i+n)%storable]})
		}
		add(Names, fmt.Sprintf("names %q", names), fmt.Sprintf("names-%02d", i), append(fields, bson.E{Key: "nested", Value: nested}))
		docs[len(docs)-1].Twice = twice(names)
	}
	for i, fields := range []bson.D{
		{{Key: "z", Value: bson.Timestamp{}}, {Key: "b", Value: int32(1)}, {Key: "a", Value: bson.Timestamp{}}},
		{{Key: "z", Value: bson.Timestamp{}}, {Key: "$x", Value: bson.Timestamp{}}, {Key: "a.b", Value: bson.Timestamp{}}, {Key: "", Value: "empty"}},
	} {
		add(Names, fmt.Sprintf("zero timestamps under %v", fields), fmt.Sprintf("zero-%02d", i), fields)
	}
	for _, id := range ids() {
		add(IDs, fmt.Sprintf("_id %T %v", id, id), id, bson.D{{Key: "n", Value: int32(1)}})
		if d, ok := id.(bson.D); ok && len(d) == 2 {
			docs[len(docs)-1].Twice = d[0].Key == d[1].Key
		}
	}
	return docs
}

func twice(names []string) bool {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// names are fields of one document, and of one within it.
func names() [][]string {
	return [][]string{
		{"a.b"}, {"a.b", "a"}, {"a", "a.b", "a.b.c"}, {".", "..", "a.", ".a"}, {"0", "0.1"}, {"_id.x", "x._id"},
		{"$x"}, {"$set"}, {"$"}, {"$$ROOT", "$literal"}, {"$ref", "$id", "$db"}, {"a", "$inc", "z"}, {"$a.b", "$.", ".$"},
		{""}, {"", "a"}, {"", "$", "."},
		{"a", "a"}, {"a", "b", "a", "b"}, {"a.b", "a.b"}, {"$x", "$x"}, {"", ""}, {"_ID", "_iD"}, {"a", "A"}, {"name", "Name", "NAME"}, {"NAME"}, {"Name", "nAME"},
		{" ", "a b", "\t", "\"", "'", "\\"}, {"ü", "u\u0308", "日本", "\U0001F600"}, {"__proto__", "constructor"}, {strings.Repeat("n", 2000)},
	}
}

// oid is an ObjectID that is none of another test's.
var oid = bson.ObjectID{0x65, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}

// values are of every type, and of each those that a detour over Go's types may change.
func values() []any {
	deep := bson.D{{Key: "leaf", Value: true}}
	for range 80 {
		deep = bson.D{{Key: "d", Value: deep}}
	}
	return []any{
		1.5, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0x7ff8_0000_dead_beef), math.Float64frombits(0xfff0_0000_0000_0001), math.Inf(-1),
		math.SmallestNonzeroFloat64, float64(1 << 53),
		"", "text", "NUL \x00 in it", "\U0001F600\ufffd", "$text", bson.D{}, bson.D{{Key: "", Value: bson.D{}}}, bson.A{}, bson.A{nil, bson.A{}, int32(1), int64(1), 1.0}, deep,
		binary(0), binary(1), binary(2), binary(3), bson.Binary{Subtype: 4, Data: oid[:4]}, binary(5), binary(6), binary(8), binary(9), binary(0x80), binary(0xff), bson.Binary{Data: []byte{}},
		bson.Undefined{}, oid, bson.ObjectID{}, true, false,
		bson.DateTime(math.MinInt64), bson.DateTime(math.MaxInt64), bson.DateTime(-1), bson.NewDateTimeFromTime(time.Time{}),
		nil, bson.Regex{Pattern: "a.b", Options: "imsx"}, bson.Regex{}, bson.DBPointer{DB: "db.c", Pointer: oid},
		bson.JavaScript("f()"), bson.Symbol("s"), bson.Symbol(""), bson.CodeWithScope{Code: "f()", Scope: bson.D{{Key: "$x.y", Value: int32(1)}}}, bson.CodeWithScope{Scope: bson.D{}},
		int32(math.MinInt32), int64(math.MinInt64), int64(1), int64(1<<53 + 1), bson.Timestamp{}, bson.Timestamp{T: 1, I: 2}, bson.Timestamp{T: math.MaxUint32, I: math.MaxUint32},
		decimal(0x3040_0000_0000_0000, 1), decimal(0x303e_0000_0000_0000, 10), decimal(0x7c00_0000_0000_0000, 0), decimal(0xfc00_0000_0000_0000, 7), decimal(0x7800_0000_0000_0000, 0),
		decimal(0xb040_0000_0000_0000, 0), decimal(0x304c_0000_0000_0000, 0), bson.MinKey{}, bson.MaxKey{},
	}
}

// binary has bytes of its own for each subtype: there are servers to which bytes alone are the _id.
func binary(subtype byte) bson.Binary {
	return bson.Binary{Subtype: subtype, Data: append([]byte{subtype}, oid[:]...)}
}

func decimal(high, low uint64) bson.Decimal128 { return bson.NewDecimal128(high, low) }

// ids are of every type that an _id may have. No two of them are equal to the server.
func ids() []any {
	return []any{
		2.5, math.NaN(), math.Inf(1), "", "id", "$id", bson.D{}, bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: bson.A{"x"}}}, bson.D{{Key: "a.b", Value: ""}, {Key: "", Value: nil}},
		bson.D{{Key: "a", Value: int32(1)}, {Key: "a", Value: int32(2)}}, bson.Binary{Data: []byte{}}, binary(0), binary(2), binary(3), bson.Binary{Subtype: 4, Data: append(oid[:], 0, 0, 0, 0)}, binary(0x80),
		oid, true, false, bson.DateTime(-1), nil, bson.DBPointer{DB: "db.c", Pointer: oid}, bson.JavaScript("f()"), bson.Symbol("a symbol"),
		bson.CodeWithScope{Code: "g()", Scope: bson.D{{Key: "x", Value: int32(1)}}}, int32(7), int64(math.MaxInt64), bson.Timestamp{T: 1, I: 2},
		decimal(0x303e_0000_0000_0000, 11), bson.MinKey{}, bson.MaxKey{},
	}
}
