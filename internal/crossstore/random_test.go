package crossstore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// seed is a new one each time, or that of DUALWRITE_SEED.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if text := os.Getenv("DUALWRITE_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("DUALWRITE_SEED=%d", s)
	return s
}

// howMany records a property is tried on: few, or as many as DUALWRITE_FIDELITY says.
func howMany(t *testing.T, few int) int {
	t.Helper()
	if text := os.Getenv("DUALWRITE_FIDELITY"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return few
}

// random makes values of all types, the awkward ones more often than others.
type random struct{ *rand.Rand }

func pick[T any](r random, all ...T) T { return all[r.IntN(len(all))] }

func (r random) text() string {
	return pick(r, "", "a", "x\x00y", "ünï", "\U0001F600", `"\`, "2026-01-02T03:04:05Z", "12", strings.Repeat("long", r.IntN(60)))
}

func (r random) bytes() []byte {
	b := make([]byte, pick(r, 0, 1, 3, 12, 16, 100))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (r random) int64() int64 {
	return pick(r, 0, 1, -1, int64(r.IntN(1000)), math.MaxInt32+1, 1<<53+1, -(1<<53 + 1), math.MaxInt64, math.MinInt64, int64(r.Uint64()))
}

func (r random) double() float64 {
	return pick(r, 0, math.Copysign(0, -1), 1, -1.5, 0.1, 1.0/3, 1e20, 1e125, 1e126, 1e-130, 1e-131, math.MaxFloat64, math.SmallestNonzeroFloat64,
		math.NaN(), math.Inf(1), math.Inf(-1), r.NormFloat64(), math.Float64frombits(r.Uint64()), float64(r.int64()))
}

// decimal is a number with up to n digits, in whatever notation.
func (r random) decimal(n int) string {
	digits := 1 + r.IntN(n)
	var b strings.Builder
	b.WriteString(pick(r, "", "-"))
	point := r.IntN(2*digits) + 1
	for i := range digits {
		if i == point {
			b.WriteByte('.')
		}
		b.WriteByte("0123456789"[r.IntN(10)])
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "E%d", r.IntN(300)-150)
	}
	return b.String()
}

func (r random) decimal128() bson.Decimal128 {
	switch r.IntN(12) {
	case 0:
		return pick(r, bson.NewDecimal128(0x7c00000000000000, 0), bson.NewDecimal128(0x7800000000000000, 0), bson.NewDecimal128(0xf800000000000000, 0))
	case 1:
		return bson.NewDecimal128(0xb040000000000000, 0) // -0
	}
	d, err := bson.ParseDecimal128(r.decimal(34))
	if err != nil {
		panic(err)
	}
	return d
}

func (r random) objectID() (id bson.ObjectID) {
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return id
}

// value makes one of every type of BSON.
func (r random) value(depth int) any {
	if depth < 4 && r.IntN(4) == 0 {
		if r.IntN(2) == 0 {
			return r.document(depth + 1)
		}
		list := bson.A{}
		for range r.IntN(4) {
			list = append(list, r.value(depth+1))
		}
		return list
	}
	switch r.IntN(19) {
	case 0, 1:
		return r.text()
	case 2, 3:
		return int32(r.int64())
	case 4, 5:
		return r.int64()
	case 6, 7:
		return r.double()
	case 8, 9:
		return r.decimal128()
	case 10:
		return bson.DateTime(r.int64())
	case 11:
		return r.objectID()
	case 12, 13:
		return bson.Binary{Subtype: pick(r, byte(0), 0, 0, 2, 3, 4, 5, 6, 0x80), Data: r.bytes()}
	case 14:
		return bson.Timestamp{T: r.Uint32(), I: r.Uint32()}
	case 15:
		return bson.Regex{Pattern: pick(r, "", "^a.*"), Options: pick(r, "", "im")}
	case 16:
		return r.IntN(2) == 0
	case 17:
		return pick[any](r, bson.JavaScript("f()"), bson.Symbol("s"), bson.MinKey{}, bson.MaxKey{}, bson.CodeWithScope{Code: "f()", Scope: bson.D{}}, bson.Undefined{})
	default:
		return nil
	}
}

// document has, once in a while, a field twice.
func (r random) document(depth int) bson.D {
	d := bson.D{}
	for range r.IntN(5) {
		name := pick(r, "a", "b", "name", "with space", "日本", "it's", "A")
		if depth > 0 {
			name = pick(r, name, "", "a.b", "$x", "_dw", "_id")
		}
		d = append(d, bson.E{Key: name, Value: r.value(depth)})
	}
	return d
}

// attribute makes one of every type of DynamoDB.
func (r random) attribute(depth int) types.AttributeValue {
	if depth < 4 && r.IntN(4) == 0 {
		if r.IntN(2) == 0 {
			return &types.AttributeValueMemberM{Value: r.item(depth + 1)}
		}
		list := []types.AttributeValue{}
		for range r.IntN(4) {
			list = append(list, r.attribute(depth+1))
		}
		return &types.AttributeValueMemberL{Value: list}
	}
	switch r.IntN(10) {
	case 0, 1:
		return &types.AttributeValueMemberS{Value: r.text()}
	case 2, 3, 4:
		return &types.AttributeValueMemberN{Value: r.number()}
	case 5:
		return &types.AttributeValueMemberB{Value: r.bytes()}
	case 6:
		return &types.AttributeValueMemberBOOL{Value: r.IntN(2) == 0}
	case 7:
		return &types.AttributeValueMemberNULL{Value: true}
	default:
		return r.set()
	}
}

func (r random) set() types.AttributeValue {
	n := 1 + r.IntN(3)
	switch r.IntN(3) {
	case 0:
		set := &types.AttributeValueMemberSS{}
		for i := range n {
			set.Value = append(set.Value, fmt.Sprint(r.text(), i))
		}
		return set
	case 1:
		set := &types.AttributeValueMemberNS{}
		for i := range n {
			set.Value = append(set.Value, fmt.Sprintf("%d.%d", r.IntN(1000), 5+i))
		}
		return set
	default:
		set := &types.AttributeValueMemberBS{}
		for i := range n {
			set.Value = append(set.Value, append(r.bytes(), byte(i)))
		}
		return set
	}
}

// number is one that DynamoDB takes.
func (r random) number() string {
	if r.IntN(3) == 0 {
		return fmt.Sprint(r.int64())
	}
	s := r.decimal(38)
	if i := strings.IndexByte(s, 'E'); i >= 0 {
		s = s[:i] + fmt.Sprintf("E%d", r.IntN(160)-80)
	}
	return s
}

func (r random) item(depth int) dynamostore.Item {
	m := dynamostore.Item{}
	for range r.IntN(5) {
		name := pick(r, "a", "b", "name", "with space", "日本", "it's", "A")
		if r.IntN(8) == 0 {
			name = pick(r, "a.b", "$x", "x\x00y", "_id")
		}
		m[name] = r.attribute(depth)
	}
	return m
}
