package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// TestScanOverPages: small pages, large records, each segment, resumed after each record.
func TestScanOverPages(t *testing.T) {
	t.Parallel()
	s := notes(t, &Options[string, note]{PageSize: 7})
	var writes []write
	for i := range 60 {
		w := write{Key: fmt.Sprint("k", i), Record: live(stamp(1), stores.Absent, int64(i)), If: stores.IfStamp(stores.Absent)}
		w.Record.Value.Text = strings.Repeat("x", 30<<10) // together more than a page of 1 MB
		writes = append(writes, w)
	}
	errs, err := s.PutMany(t.Context(), writes)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store[string, note]{s, open[string, note](t, s.client, s.table.name, nil)} {
		segs, err := s.Segments(t.Context(), 5)
		if err != nil || len(segs) != 5 {
			t.Fatal(segs, err)
		}
		seen := map[string]int{}
		for _, seg := range segs {
			var order []string
			for e, err := range s.Scan(t.Context(), seg, nil) {
				if err != nil {
					t.Fatal(err)
				}
				seen[e.Key]++
				order = append(order, e.Key)
			}
			for i, after := range order {
				rest := order[i+1:]
				for e, err := range s.Scan(t.Context(), seg, []byte(after)) {
					if err != nil || len(rest) == 0 || e.Key != rest[0] {
						t.Fatalf("after %s: %s, %v; want %v", after, e.Key, err, rest)
					}
					rest = rest[1:]
				}
				if len(rest) > 0 {
					t.Fatalf("after %s: %v are missing", after, rest)
				}
			}
		}
		if len(seen) != len(writes) {
			t.Errorf("%d keys, want %d", len(seen), len(writes))
		}
	}
}

func TestSegmentsThatAreNone(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	for _, seg := range []stores.Segment{"x", "1:", "1:0", "1:1/1", "1:-1/2", "2:0/2", "1:0/0", "1:0/2000000", "1:a/b"} {
		for _, err := range s.Scan(t.Context(), seg, nil) {
			if !errors.Is(err, stores.ErrPermanent) {
				t.Errorf("%q: %v", seg, err)
			}
		}
	}
	if _, err := s.Segments(t.Context(), 0); !errors.Is(err, stores.ErrPermanent) {
		t.Error(err)
	}
	if segs, err := s.Segments(t.Context(), 1<<30); err != nil || len(segs) != maxSegments {
		t.Error(len(segs), err)
	}
}

// TestScanThatFails ends with an error that says whether it may go better later.
func TestScanThatFails(t *testing.T) {
	t.Parallel()
	_, s, _ := flaky(t, nil, 1, script(throttled, throttled, throttled, lostRequest, lostAnswer1))
	var err error
	for _, err = range s.Scan(t.Context(), "", nil) {
	}
	if !errors.Is(err, stores.ErrTransient) {
		t.Errorf("throttled: %v", err)
	}
	for _, err := range s.Scan(t.Context(), "", nil) {
		t.Errorf("answers lost and sent again: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err = range s.Scan(ctx, "", nil) {
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestScanOfATableOfSeveralKinds yields the records of one kind: not those of another one with the same attributes and
// metadata, and not without a word an item that is of no kind.
func TestScanOfATableOfSeveralKinds(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	name := newTable(t, client, "pk:S", "sk:S")
	kind := func(prefix string) *Store[string, note] {
		return open(t, client, name, &Options[string, note]{
			EncodeKey: func(key string) (Item, error) { return Item{"pk": avS("all"), "sk": avS(prefix + key)}, nil },
			DecodeKey: func(m Item) (string, error) {
				sk := m["sk"].(*types.AttributeValueMemberS).Value
				key, ok := strings.CutPrefix(sk, prefix)
				if !ok && strings.Contains(sk, "#") {
					return "", fmt.Errorf("%w: %s", ErrOtherKind, sk)
				}
				return key, map[bool]error{false: errors.New("of no kind")}[ok]
			},
		})
	}
	users, orders := kind("USER#"), kind("ORDER#")
	for i := range 10 {
		mustPut(t, users, write{Key: fmt.Sprint(i), Record: live(stamp(1), stores.Absent, int64(i)), If: stores.IfStamp(stores.Absent)})
		mustPut(t, orders, write{Key: fmt.Sprint(i), Record: live(stamp(2), stores.Absent, int64(100+i)), If: stores.IfStamp(stores.Absent)})
	}
	plant(t, client, name, Item{"pk": avS("all"), "sk": avS("lost"), "n": avN("7")})
	for s, first := range map[*Store[string, note]]int64{users: 0, orders: 100} {
		got, bad := map[string]int64{}, 0
		for e, err := range s.Scan(t.Context(), "", nil) {
			if err != nil {
				bad++
				continue
			}
			got[e.Key] = e.Record.Value.N
		}
		if len(got) != 10 || got["9"] != first+9 || bad != 1 {
			t.Errorf("%v, and %d errors", got, bad)
		}
	}
}

// TestScanOfKeysThatDoNotComeBack: a DecodeKey that takes all items for its own would mix up records.
func TestScanOfKeysThatDoNotComeBack(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	name := newTable(t, client, "pk:S", "sk:S")
	plant(t, client, name, Item{"pk": avS("1"), "sk": avS("USER"), "n": avN("1")})
	plant(t, client, name, Item{"pk": avS("1"), "sk": avS("ORDER"), "n": avN("2")})
	s := open(t, client, name, &Options[string, note]{
		EncodeKey: func(key string) (Item, error) { return Item{"pk": avS(key), "sk": avS("USER")}, nil },
		DecodeKey: func(m Item) (string, error) { return m["pk"].(*types.AttributeValueMemberS).Value, nil },
	})
	var good, bad int
	for e, err := range s.Scan(t.Context(), "", nil) {
		var damaged *stores.RecordError
		switch {
		case err == nil && e.Record.Value.N == 1:
			good++
		case errors.As(err, &damaged) && strings.Contains(err.Error(), "another key"):
			bad++
		default:
			t.Errorf("%v, %v", e, err)
		}
	}
	if good != 1 || bad != 1 {
		t.Errorf("%d good, %d bad", good, bad)
	}
}

func isRecordError(err error) bool {
	var bad *stores.RecordError
	return errors.As(err, &bad)
}
