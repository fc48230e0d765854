package dynamostore

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// TestValuesInUnexportedFieldsAreRefused: attributevalue would store an empty map of them.
func TestValuesInUnexportedFieldsAreRefused(t *testing.T) {
	t.Parallel()
	type price struct {
		Amounts []*big.Int `dynamodbav:"amounts"`
	}
	if _, err := newCodec(&Options[string, price]{}); err == nil || !strings.Contains(err.Error(), "amounts is a big.Int") {
		t.Errorf("got %v", err)
	}
	type empty struct {
		Nothing struct{}  `dynamodbav:"nothing"`
		When    time.Time `dynamodbav:"when"`
	}
	if _, err := newCodec(&Options[string, empty]{}); err != nil {
		t.Error(err)
	}
}

// TestTimes come back as the same instants, or are refused.
func TestTimes(t *testing.T) {
	t.Parallel()
	type event struct {
		At time.Time  `dynamodbav:"at"`
		To *time.Time `dynamodbav:"to"`
	}
	s := open[string, event](t, newClient(t), newTable(t, newClient(t), "id:S"), nil)
	for i, at := range []time.Time{
		{}, time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("east", 5*3600+30*60)),
		time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("Amsterdam", 19*60+32)),
	} {
		w := stores.Write[string, event]{Key: "k", Record: stores.Record[event]{Meta: stores.Meta{Version: stamp(i + 1)}, Value: event{at, &at}}, If: stores.IfOlder(stamp(i + 1))}
		mustPut(t, s, w)
		got, err := s.Get(t.Context(), "k")
		if err != nil || !got.Value.At.Equal(at) || !got.Value.To.Equal(at) {
			t.Errorf("%v came back as %v, %v", at, got.Value, err)
		}
	}
	for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("far", 30*3600))} {
		w := stores.Write[string, event]{Key: "k", Record: stores.Record[event]{Meta: stores.Meta{Version: stamp(9)}, Value: event{At: at}}, If: stores.IfOlder(stamp(9))}
		if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%v: %v", at, err)
		}
	}
}

// TestAnItemThatDoesNotFitIsAnError, also where attributevalue panics.
func TestAnItemThatDoesNotFitIsAnError(t *testing.T) {
	t.Parallel()
	type file struct {
		Hash digest `dynamodbav:"hash"`
	}
	client := newClient(t)
	name := newTable(t, client, "id:S")
	plant(t, client, name, Item{"id": avS("short"), "hash": avB("abc")})
	plant(t, client, name, Item{"id": avS("right"), "hash": avB("abcd")})
	s := open[string, file](t, client, name, nil)
	var damaged *stores.RecordError
	if _, err := s.Get(t.Context(), "short"); !errors.As(err, &damaged) {
		t.Errorf("got %v", err)
	}
	if got, err := s.Get(t.Context(), "right"); err != nil || string(got.Value.Hash[:]) != "abcd" {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestUnmappedAttributesAreNamed by scans that are asked to, unless the store is a view or takes in everything.
func TestUnmappedAttributesAreNamed(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	name := newTable(t, client, "id:S")
	plant(t, client, name, Item{"id": avS("1"), "n": avN("1"), "more": avS("x")})
	plant(t, client, name, Item{"id": avS("2"), "n": avN("1"), "other": avS("x"), "text": avS("x")})
	whole, view, all := open[string, note](t, client, name, nil),
		open(t, client, name, &Options[string, struct {
			N int `dynamodbav:"n"`
		}]{Attributes: []string{"n"}}),
		open[string, Item](t, client, name, nil)
	drain(t, whole)
	drain(t, view)
	drain(t, all)
	if got := stores.UnmappedFields(whole); !slices.Equal(got, []string{"more", "other"}) {
		t.Errorf("got %v", got)
	}
	if got := slices.Concat(stores.UnmappedFields(view), stores.UnmappedFields(all)); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	mustPut(t, whole, write{Key: "3", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)})
	again := open[string, note](t, client, name, nil)
	drain(t, again)
	if got := stores.UnmappedFields(again); !slices.Equal(got, []string{"more", "other"}) {
		t.Errorf("got %v", got)
	}
}

func drain[K, V any](t *testing.T, s *Store[K, V]) {
	t.Helper()
	for _, err := range s.ScanNoting(t.Context(), "", nil) {
		if err != nil {
			t.Error(err)
		}
	}
}
