package dynamostore

import (
	"errors"
	"math/big"
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
