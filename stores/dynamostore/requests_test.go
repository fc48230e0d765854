package dynamostore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/stores"
)

// recorder counts requests by operation and keeps what they say.
type recorder struct {
	mu     sync.Mutex
	counts map[string]int
	bodies map[string]string // the last one of each operation
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(b))
	op := req.Header.Get("X-Amz-Target")
	op = op[strings.LastIndexByte(op, '.')+1:]
	r.mu.Lock()
	r.counts[op]++
	r.bodies[op] = string(b)
	r.mu.Unlock()
	return connections.Do(req)
}

// take returns the counts since the last take.
func (r *recorder) take() (counts map[string]int, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts, r.counts = r.counts, map[string]int{}
	for _, n := range counts {
		total += n
	}
	return counts, total
}

func recorded(t testing.TB, o *Options[string, note]) (*recorder, *Store[string, note]) {
	t.Helper()
	r := &recorder{counts: map[string]int{}, bodies: map[string]string{}}
	s := notes(t, o, func(o *dynamodb.Options) { o.HTTPClient = r })
	r.take()
	return r, s
}

// copyOf are n writes as a copy makes them.
func copyOf(n, version int) []write {
	writes := make([]write, n)
	for i := range writes {
		writes[i] = write{Key: fmt.Sprintf("key-%06d", i), Record: live(stamp(version), stores.Absent, int64(i)), If: stores.IfOlder(stamp(version))}
		writes[i].Record.Value.Text = "some text that a small record has"
	}
	return writes
}

// TestRequestsForAThousandItems holds what the package's documentation says a thousand small items cost.
func TestRequestsForAThousandItems(t *testing.T) {
	t.Parallel()
	const n = 1000
	r, s := recorded(t, nil)
	put := func(what string, writes []write, want stores.Outcome, most int, ops ...string) {
		t.Helper()
		errs, err := s.PutMany(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range errs {
			if o, _ := stores.OutcomeOf(err); o != want {
				t.Fatalf("%s: write %d: %v", what, i, err)
			}
		}
		counts, total := r.take()
		if total > most || len(counts) != len(ops) {
			t.Errorf("%s: %v, want at most %d of %v", what, counts, most, ops)
		}
		t.Log(what, counts)
	}
	put("copied into an empty table", copyOf(n, 5), stores.OutcomeApplied, 45, "BatchExecuteStatement")
	put("copied again", copyOf(n, 5), stores.OutcomeRefused, 51, "BatchExecuteStatement", "BatchGetItem")
	put("copied a third time", copyOf(n, 5), stores.OutcomeRefused, 10, "BatchGetItem")
	put("replaced by newer ones", copyOf(n, 6), stores.OutcomeApplied, 1010, "BatchGetItem", "UpdateItem")

	keys := make([]string, n)
	for i, w := range copyOf(n, 5) {
		keys[i] = w.Key
	}
	res, err := s.GetMany(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range res {
		if x.Err != nil || x.Record.Value.N != int64(i) {
			t.Fatalf("%d: %+v", i, x)
		}
	}
	for _, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if counts, total := r.take(); total > 25 {
		t.Errorf("a scan and a batch read, as verify makes them: %v", counts)
	}
}

// TestInsertionsComeBack: after a while of reading first, an empty target is found again.
func TestInsertionsComeBack(t *testing.T) {
	t.Parallel()
	r, s := recorded(t, nil)
	s.direct.Store(60)
	for i, want := range []string{"BatchGetItem", "BatchGetItem", ""} {
		writes := copyOf(50, 5)
		for j := range writes {
			writes[j].Key += fmt.Sprint("-", i)
		}
		errs, err := s.PutMany(t.Context(), writes)
		if err := errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
		counts, _ := r.take()
		if counts["BatchExecuteStatement"] != 2 || (counts["BatchGetItem"] > 0) != (want != "") {
			t.Errorf("batch %d: %v", i, counts)
		}
	}
}

// TestReadsAreConsistent: never from a lagging replica, whatever the way.
func TestReadsAreConsistent(t *testing.T) {
	t.Parallel()
	r, s := recorded(t, nil)
	if _, err := s.PutMany(t.Context(), copyOf(30, 5)); err != nil {
		t.Fatal(err)
	}
	s.direct.Store(100)
	if _, err := s.PutMany(t.Context(), copyOf(30, 5)); err != nil {
		t.Fatal(err)
	}
	check := func(op string) {
		t.Helper()
		r.mu.Lock()
		defer r.mu.Unlock()
		if !strings.Contains(r.bodies[op], `"ConsistentRead":true`) {
			t.Errorf("%s: %s", op, r.bodies[op])
		}
		delete(r.bodies, op)
	}
	check("BatchGetItem")
	if _, err := s.GetMany(t.Context(), []string{"key-000000"}); err != nil {
		t.Fatal(err)
	}
	check("BatchGetItem")
	if _, err := s.Get(t.Context(), "key-000000"); err != nil {
		t.Fatal(err)
	}
	check("GetItem")
	for _, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check("Scan")
}

// TestTransactReadsWaitForTransactions: a read that meets a transaction is made again, and no plain read takes its place.
func TestTransactReadsWaitForTransactions(t *testing.T) {
	t.Parallel()
	o := &Options[string, note]{TransactReads: true}
	f, s, exact := flaky(t, o, 1, func() func(string, *rand.Rand) fault {
		n := 0
		return func(op string, _ *rand.Rand) fault {
			if op != "TransactGetItems" {
				t.Errorf("%s was sent", op)
			}
			if n++; n%4 != 0 {
				return conflicting
			}
			return ""
		}
	}())
	mustPut(t, exact, blind("k", 1))
	if r, err := s.Get(t.Context(), "k"); err != nil || r.Version != stamp(1) {
		t.Errorf("%+v, %v", r, err)
	}
	res, err := s.GetMany(t.Context(), []string{"k", "none"})
	if err != nil || res[0].Record.Version != stamp(1) || !errors.Is(res[1].Err, stores.ErrNotFound) {
		t.Errorf("%+v, %v", res, err)
	}
	if f.Injected()[conflicting] != 6 {
		t.Errorf("%v", f.Injected())
	}
}
