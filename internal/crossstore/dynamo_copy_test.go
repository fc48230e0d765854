package crossstore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// usages adds up what the calls of some stores took.
type usages struct {
	mu  sync.Mutex
	sum dynamostore.Usage
}

func (u *usages) add(x dynamostore.Usage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sum.Requests += x.Requests
	u.sum.Read += x.Read
	u.sum.Write += x.Write
}

func (u *usages) take() (sum dynamostore.Usage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	sum, u.sum = u.sum, dynamostore.Usage{}
	return sum
}

// metered opens a table whose usage is told.
func metered(t *testing.T, use func(dynamostore.Usage)) people {
	t.Helper()
	client := dynamotest.Client(t)
	s, err := dynamostore.New(t.Context(), client, dynamotest.Table(t, client, "id:S"), &dynamostore.Options[string, person]{OnUsage: use})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill stores records as a service does that has the SDK.
func fill[V any](t *testing.T, s stores.Store[string, V], n int, key func(int) string, value func(int) V) {
	t.Helper()
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	writes := make([]stores.Write[string, V], n)
	for i := range writes {
		v, err := clock.Next()
		if err != nil {
			t.Fatal(err)
		}
		writes[i] = stores.Write[string, V]{Key: key(i), If: stores.IfStamp(stores.Absent),
			Record: stores.Record[V]{Meta: stores.Meta{Version: v, Prev: stores.Absent}, Value: value(i)}}
	}
	errs, err := stores.PutMany(t.Context(), s, writes)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", writes[i].Key, err)
		}
	}
}

// TestRequestsOfACopier: what a copy into an empty table and a verify take for a thousand records, reads of both places
// included. Each segment adds one or two requests of its own, which count in a table as small as this one.
func TestRequestsOfACopier(t *testing.T) {
	t.Parallel()
	const n = 5000
	var u usages
	old, new := metered(t, u.add), metered(t, u.add)
	fill(t, old, n, personKey, personOf)
	u.take()
	one := copier.PassOptions{Workers: 1}
	report, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[person]{PassOptions: one})
	copied := u.take()
	if err != nil || report.Applied != n {
		t.Fatal(report.Applied, err)
	}
	verdict, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[person]{PassOptions: one})
	verified := u.take()
	if err != nil || !verdict.Clean() {
		t.Fatal(verdict, err)
	}
	t.Logf("for 1,000 records a copy takes %d requests, %.0f read and %.0f write units; a verify %d requests and %.0f read units",
		copied.Requests*1000/n, copied.Read*1000/n, copied.Write*1000/n, verified.Requests*1000/n, verified.Read*1000/n)
	if copied.Requests > 45*n/1000 || copied.Write > n || verified.Requests > 25*n/1000 || verified.Write > 0 {
		t.Errorf("a copy of %d records took %+v, a verify %+v", n, copied, verified)
	}
}

// TestCopyWithinABudget: what the copy consumes goes off the budget, and the copy asks the budget how fast it may be. How long it
// then waits is tested where time is synthetic, by both of them.
func TestCopyWithinABudget(t *testing.T) {
	t.Parallel()
	const n, perSecond = 1500, 1000
	b, err := dynamostore.NewBudget(0, perSecond)
	if err != nil {
		t.Fatal(err)
	}
	old := metered(t, nil)
	fill(t, old, n, personKey, personOf)
	var used usages
	var asked atomic.Int64
	new := metered(t, func(u dynamostore.Usage) { b.Use(u); used.add(u) })
	o := copier.PassOptions{Throttle: func() float64 { asked.Add(1); return b.Rate() }, Batch: 50}
	report, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[person]{PassOptions: o})
	if units := used.take().Write; err != nil || report.Applied != n || units < n || asked.Load() < 2 {
		t.Errorf("%d records, %.0f write units, the budget was asked %d times, %v", report.Applied, units, asked.Load(), err)
	}
}

// TestCopyNamesItemsThatAreTooLarge with their size, and copies the others.
func TestCopyNamesItemsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	old, new := bolt[person](t), table(t)
	fill(t, old, 60, personKey, func(i int) person {
		p := personOf(i)
		if i == 7 {
			p.Name = strings.Repeat("x", 500<<10)
		}
		return p
	})
	report, err := copier.Copy(t.Context(), old, new, nil)
	if err != nil || report.Applied != 59 || len(report.Findings) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	f := report.Findings[0]
	if f.Kind != copier.KindRejected || string(f.Key) != personKey(7) || !strings.Contains(f.Err.Error(), "the item would have 512051 bytes") {
		t.Errorf("%s %s: %v", f.Kind, f.Key, f.Err)
	}
}

// anything has a field of each kind that both databases have, and more.
type anything struct {
	Int     int64               `bson:"int" dynamodbav:"int"`
	Small   int8                `bson:"small" dynamodbav:"small"`
	Uint    uint64              `bson:"uint" dynamodbav:"uint"`
	Float   float64             `bson:"float" dynamodbav:"float"`
	Text    string              `bson:"text" dynamodbav:"text"`
	Maybe   *string             `bson:"maybe" dynamodbav:"maybe"`
	Bytes   []byte              `bson:"bytes" dynamodbav:"bytes"`
	Words   []string            `bson:"words" dynamodbav:"words"`
	ByName  map[string]anything `bson:"byName" dynamodbav:"byName"`
	Yes     bool                `bson:"yes" dynamodbav:"yes"`
	At      instant             `bson:"at" dynamodbav:"at"`
	Nothing map[string]int64    `bson:"nothing" dynamodbav:"nothing"`
}

// instant is a time as the application keeps it, with nanoseconds.
type instant struct {
	Seconds int64 `bson:"s" dynamodbav:"s"`
	Nanos   int32 `bson:"n" dynamodbav:"n"`
}

func anythingOf(rng *rand.Rand, depth int) anything {
	a := anything{
		Int: int64(rng.Uint64() >> rng.IntN(64)), Small: int8(rng.Uint64()), Uint: rng.Uint64() >> (1 + rng.IntN(62)), Yes: rng.IntN(2) == 0,
		Float: math.Float64frombits(rng.Uint64()), Text: text(rng), At: instant{rng.Int64(), rng.Int32()},
	}
	if rng.IntN(2) == 0 {
		a.Float = float64(rng.IntN(1000)) / 8
		maybe := text(rng)
		a.Maybe = &maybe
		a.Bytes = []byte(text(rng))
		a.Words = []string{text(rng), "", text(rng)}[:rng.IntN(4)]
	}
	if depth < 3 && rng.IntN(2) == 0 {
		a.ByName = map[string]anything{fmt.Sprint("k", rng.IntN(9)): anythingOf(rng, depth+1), "ü €": anythingOf(rng, depth+1)}
	}
	return a
}

func text(rng *rand.Rand) string {
	runes := []rune("aZ09 .$'\"\\\n\x01ü€😀\u2028")
	out := make([]rune, rng.IntN(6))
	for i := range out {
		out[i] = runes[rng.IntN(len(runes))]
	}
	return string(out)
}

// TestThereAndBack: random records go from MongoDB to DynamoDB and back. Each comes back as it was, or there is a finding
// that names it: never a silent change.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	const n = 400
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	values := make([]anything, n)
	for i := range values {
		values[i] = anythingOf(rng, 0)
	}
	c := &collections{db: mongotest.Database(t)}
	client := dynamotest.Client(t)
	there, err := dynamostore.New[string, anything](t.Context(), client, dynamotest.Table(t, client, "id:S"), nil)
	if err != nil {
		t.Fatal(err)
	}
	from, back := open[anything](t, c.collection(), nil), open[anything](t, c.collection(), nil)
	fill(t, from, n, userKey, func(i int) anything { return values[i] })
	named := map[string]string{}
	for _, leg := range [][2]stores.Store[string, anything]{{from, there}, {there, back}} {
		report, err := copier.Copy(t.Context(), leg[0], leg[1], &copier.CopyOptions[anything]{PassOptions: copier.PassOptions{KeepFindings: 2 * n, MaxRejected: -1}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			named[string(f.Key)] = f.Err.Error()
		}
	}
	same := 0
	for i, want := range values {
		got, err := back.Get(t.Context(), userKey(i))
		d := cmp.Diff(want, got.Value)
		switch {
		case err == nil && d == "":
			same++
		case named[userKey(i)] == "":
			t.Errorf("seed %d: %s, %v, and nobody says so:\n%s", seed, userKey(i), err, d)
		}
	}
	t.Logf("%d came back, %d are named", same, len(named))
	if same == 0 || len(named) == 0 {
		t.Error("all were the same, or none: the test tests nothing")
	}
}
