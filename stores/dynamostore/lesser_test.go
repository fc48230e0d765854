package dynamostore

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// lesser makes a server that knows less of DynamoDB's API out of one that knows all of it.
type lesser struct {
	// answers are what operations are refused with: a status and a code. Others are carried out.
	answers map[string]lesserAnswer
	// silent leaves the stored item out of refusals.
	silent bool
	// blind fails reads of single items.
	blind bool
	// reasonless leaves the reasons out of the refusal of a transaction.
	reasonless bool

	mu    sync.Mutex
	calls map[string]int
}

type lesserAnswer struct {
	status int
	code   string
}

var unknownOp = lesserAnswer{http.StatusBadRequest, "UnknownOperationException"}

func (l *lesser) through(o *dynamodb.Options) {
	newFaulty(1, nil).with(o) // for its retries without delay
	o.HTTPClient = l
}

func (l *lesser) Do(req *http.Request) (*http.Response, error) {
	op := req.Header.Get("X-Amz-Target")
	op = op[strings.LastIndexByte(op, '.')+1:]
	l.mu.Lock()
	if l.calls == nil {
		l.calls = map[string]int{}
	}
	l.calls[op]++
	l.mu.Unlock()
	if a, ok := l.answers[op]; ok {
		return dynamotest.Answer(a.status, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + a.code, "message": "test"}), nil
	}
	if l.blind && op == "GetItem" {
		return dynamotest.Answer(http.StatusBadRequest, map[string]any{"__type": "x#ThrottlingException", "message": "test"}), nil
	}
	resp, err := connections.Do(req)
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		return resp, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body := map[string]any{}
	b, err := io.ReadAll(resp.Body)
	if err != nil || json.NewDecoder(bytes.NewReader(b)).Decode(&body) != nil {
		return nil, errors.Join(err, errors.New("no JSON: "+string(b)))
	}
	if l.silent {
		delete(body, "Item")
		if reasons, ok := body["CancellationReasons"].([]any); ok {
			for _, r := range reasons {
				delete(r.(map[string]any), "Item")
			}
		}
	}
	if l.reasonless {
		delete(body, "CancellationReasons")
	}
	return dynamotest.Answer(resp.StatusCode, body), nil
}

// count is how often an operation was asked for.
func (l *lesser) count(op string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[op]
}

// without opens a table through a server that knows less, and directly.
func (l *lesser) notes(t *testing.T, o *Options[string, note]) (s, exact *Store[string, note]) {
	t.Helper()
	exact = notes(t, o)
	return open(t, newClient(t, l.through), exact.table.name, o), exact
}

// TestBatchesWithoutPartiQL: a server without PartiQL (ScyllaDB, for one), or a role that may not use it, gets single
// conditional writes; that the server has none is found out once.
func TestBatchesWithoutPartiQL(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer lesserAnswer
		most   int // batches that are tried, of two
	}{
		"unknown":         {unknownOp, 8}, // as many as are under way when the first answer comes
		"not implemented": {lesserAnswer{http.StatusNotImplemented, "InternalFailure"}, 8},
		"forbidden":       {lesserAnswer{http.StatusBadRequest, "AccessDeniedException"}, 24},
		"no such table":   {lesserAnswer{http.StatusBadRequest, "ResourceNotFoundException"}, 24},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lesser{answers: map[string]lesserAnswer{"BatchExecuteStatement": tc.answer}}
			s, exact := l.notes(t, nil)
			writes := copyOf(300, 5)
			for i := range 100 {
				mustPut(t, exact, write{Key: writes[3*i].Key, Record: live(stamp(4+i%3), stores.Absent, -1), If: stores.IfOlder(stamp(4 + i%3))})
			}
			for round := range 2 {
				errs, err := s.PutMany(t.Context(), writes)
				if err != nil {
					t.Fatal(err)
				}
				for i, err := range errs {
					want := stores.OutcomeApplied
					if round > 0 || i%3 == 0 && i/3%3 > 0 {
						want = stores.OutcomeRefused
					}
					if o, _ := stores.OutcomeOf(err); o != want {
						t.Fatalf("round %d: write %d: %v, want outcome %d", round, i, err, want)
					}
				}
			}
			if n := l.count("BatchExecuteStatement"); n > tc.most {
				t.Errorf("%d batches of statements were tried", n)
			}
		})
	}
}

// TestRefusalsThatDoNotShowTheItem: one read settles what a server has refused without saying by what.
func TestRefusalsThatDoNotShowTheItem(t *testing.T) {
	t.Parallel()
	l := &lesser{silent: true}
	s, exact := l.notes(t, nil)
	mustPut(t, exact, blind("k", 5))
	mustPut(t, exact, write{Key: "dead", Record: record{Meta: stores.Meta{Version: stamp(5), Deleted: true}}, If: stores.IfOlder(stamp(5))})
	for _, key := range []string{"k", "dead", "none"} {
		stored, err := stores.OrAbsent(exact.Get(t.Context(), key))
		if err != nil {
			t.Fatal(err)
		}
		w := write{Key: key, Record: live(stamp(9), stamp(3), 9), If: stores.IfStamp(stamp(3))}
		err = s.Put(t.Context(), w)
		if o, m := stores.OutcomeOf(err); o != stores.OutcomeRefused || m != stored.Meta {
			t.Errorf("put over %s: %v, want it refused by %+v", key, err, stored.Meta)
		}
		errs, err := s.PutMany(t.Context(), []write{w, {Key: "other " + key, Record: w.Record, If: w.If}})
		if o, m := stores.OutcomeOf(errs[0]); err != nil || o != stores.OutcomeRefused || m != stored.Meta {
			t.Errorf("put many over %s: %v, want it refused by %+v", key, errs[0], stored.Meta)
		}
	}
	if err := s.Put(t.Context(), write{Key: "k", Record: live(stamp(6), stores.Absent, 6), If: stores.IfStamp(stores.Absent)}); !isRefusedBy(err, stamp(5)) {
		t.Errorf("a second record under one key: %v", err)
	}
	for _, version := range []stores.Version{stamp(4), stamp(6)} {
		errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "k", Version: version}, {Key: "dead", Version: version}})
		if err != nil || !isRefusedBy(errs[0], stamp(5)) || !isRefusedBy(errs[1], stamp(5)) {
			t.Errorf("purge of %v: %v, %v", version, errs, err)
		}
	}
	errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "k", Version: stamp(5)}, {Key: "dead", Version: stamp(5)}})
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Errorf("purge: %v", err)
	}
	if raw(t, s.client, s.table.name, key("dead")) != nil || raw(t, s.client, s.table.name, key("k"))[s.opts.Meta] != nil {
		t.Error("a tombstone or metadata is left")
	}
}

func isRefusedBy(err error, v stores.Version) bool {
	o, m := stores.OutcomeOf(err)
	return o == stores.OutcomeRefused && m.Version == v
}

// TestRefusalsThatNothingExplains: the item is not shown and can not be read. The write had no effect, that is certain.
func TestRefusalsThatNothingExplains(t *testing.T) {
	t.Parallel()
	l := &lesser{silent: true, blind: true}
	s, exact := l.notes(t, nil)
	mustPut(t, exact, blind("k", 5))
	if o, _ := stores.OutcomeOf(s.Put(t.Context(), blind("k", 4))); o != stores.OutcomeFailed {
		t.Errorf("put: outcome %d", o)
	}
	errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "k", Version: stamp(4)}})
	if o, _ := stores.OutcomeOf(errs[0]); err != nil || o != stores.OutcomeFailed {
		t.Errorf("purge: %v, %v", errs, err)
	}
	if l.blind = false; !isRefusedBy(s.Put(t.Context(), blind("k", 4)), stamp(5)) {
		t.Error("it can be read now")
	}
}

// TestPairsOnALesserServer: each half is settled by a read where the refusal shows nothing, of one item and of two; and where there
// are no transactions, pairs are not offered, and reads say what to do.
func TestPairsOnALesserServer(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*lesser{"silent": {silent: true}, "without reasons": {reasonless: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, l.through)
			table := newTable(t, client, "id:S")
			a := open(t, client, table, &Options[string, note]{Attributes: []string{"n", "text", "tags"}})
			b := open(t, client, table, &Options[string, note]{Attributes: []string{"n2"}, Meta: "_dw2", Encode: marshalTo("n2"), Decode: unmarshalFrom("n2")})
			expectPairs(t, a, b)
			strict := &Options[string, note]{TransactReads: true}
			expectPairs(t, open(t, client, newTable(t, client, "id:S"), strict), open(t, client, newTable(t, client, "id:S"), strict))
		})
	}
	l := &lesser{answers: map[string]lesserAnswer{"TransactWriteItems": unknownOp, "TransactGetItems": unknownOp, "DescribeTimeToLive": unknownOp}}
	client := newClient(t, l.through)
	strict := &Options[string, note]{TransactReads: true}
	a, b := open(t, client, newTable(t, client, "id:S"), strict), open(t, client, newTable(t, client, "id:S"), strict)
	if err := stores.PutPair(t.Context(), a, blind("k", 1), b, blind("k", 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a pair without transactions: %v", err)
	}
	if _, err := a.Get(t.Context(), "k"); !errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), "TransactReads") {
		t.Errorf("a read without transactions: %v", err)
	}
}

// expectPairs writes pairs of which one half, the other one or both are refused.
func expectPairs(t *testing.T, a, b *Store[string, note]) {
	t.Helper()
	if err := stores.PutPair(t.Context(), a, blind("k", 5), b, blind("k", 7)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range [][2]int{{4, 8}, {6, 6}, {4, 6}} {
		var both *stores.PairError
		err := stores.PutPair(t.Context(), a, blind("k", tc[0]), b, blind("k", tc[1]))
		if !errors.As(err, &both) {
			t.Errorf("%v: %v", tc, err)
			continue
		}
		if tc[0] < 5 != isRefusedBy(both.First, stamp(5)) || tc[1] < 7 != isRefusedBy(both.Second, stamp(7)) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	if err := stores.PutPair(t.Context(), a, blind("k", 6), b, blind("k", 8)); err != nil {
		t.Error(err)
	}
}

// TestConformanceOfALesserServer: the whole kit on a server without PartiQL that does not show what it refuses a write by.
func TestConformanceOfALesserServer(t *testing.T) {
	t.Parallel()
	variant(t)
	cfg := conformance(nil, stringKey, noteValue, mutateNote, "id:S")
	cfg.Equal = equalNotes
	cfg.Rounds = 5
	l := &lesser{silent: true, answers: map[string]lesserAnswer{"BatchExecuteStatement": unknownOp, "DescribeTimeToLive": unknownOp}}
	cfg.Open = func(tb testing.TB) stores.Store[string, note] {
		client := newClient(tb, l.through)
		return open[string, note](tb, client, newTable(tb, client, "id:S"), nil)
	}
	cfg.Corrupt = func(tb testing.TB, s stores.Store[string, note], k string) {
		d := s.(*Store[string, note])
		item := raw(tb, d.client, d.table.name, key(k))
		item[d.opts.Meta] = avM(Item{metaStamp: avB("too short")})
		plant(tb, d.client, d.table.name, item)
	}
	storetest.Run(t, cfg)
}
