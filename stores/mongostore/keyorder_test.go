package mongostore

import (
	"context"
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

type named string

// Only ids that every place sorts alike have an order; others that are among them are foreign keys.
func TestKeyOrder(t *testing.T) {
	t.Parallel()
	strings, numbers := []any{"b", "a", "é", "B"}, []any{int64(-5), int32(7), 2.0}
	oids := []any{bson.ObjectID{2}, bson.ObjectID{1, 11: 255}}
	inOrder[string](t, strings, 0)
	inOrder[named](t, strings, 0)
	inOrder[int64](t, numbers, 0)
	inOrder[bson.ObjectID](t, oids, 0)
	inOrder[string](t, nil, 0)
	inOrder[string](t, append(strings, int64(1), "", true, bson.Null{}), 4)
	inOrder[int64](t, append(numbers, "a", 9.5), 2)
	inOrder[bson.ObjectID](t, append(oids, bson.Null{}, bson.MaxKey{}), 2)
	noOrder[bson.RawValue](t)
	noOrder[float64](t)
	noOrder[bson.Binary](t)
	noOrder[[]byte](t)
}

func inOrder[K any](t *testing.T, ids []any, foreign int) {
	t.Helper()
	coll := mongotest.Collection(t)
	for _, id := range ids {
		if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, coll, &Options[K, bson.D]{})
	if _, err := s.Bounds(t.Context(), 3); err != nil {
		t.Error(err)
	}
	var last []byte
	for e, err := range s.Scan(t.Context(), "", nil) {
		if bad := new(stores.RecordError); errors.As(err, &bad) && bad.Foreign {
			foreign--
			continue
		}
		key, err2 := s.Keys().Append(nil, e.Key)
		if err := errors.Join(err, err2); err != nil {
			t.Error(err)
		}
		if string(key) <= string(last) {
			t.Errorf("%s comes after %s", stores.FormatKey(key), stores.FormatKey(last))
		}
		last = key
	}
	if foreign != 0 {
		t.Errorf("%T among %v: %d foreign keys are missing", *new(K), ids, foreign)
	}
}

func noOrder[K any](t *testing.T) {
	t.Helper()
	s := open(t, mongotest.Collection(t), &Options[K, bson.D]{})
	if _, err := s.Bounds(t.Context(), 3); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%T: %v", *new(K), err)
	}
}

// An id that is no key in the middle of a range is told, and does not disturb the order of the others.
func TestRangeWithAnIDThatIsNoKey(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	for _, id := range []any{int64(1), 1.5, int64(2), int64(3)} {
		if _, err := coll.InsertOne(context.Background(), bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, coll, &Options[int64, bson.D]{})
	key := func(n int64) []byte {
		b, err := s.Keys().Append(nil, n)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	seg, err := s.Range(key(1), key(3))
	if err != nil {
		t.Fatal(err)
	}
	var keys []int64
	bad := 0
	for e, err := range s.Scan(t.Context(), seg, nil) {
		if err != nil {
			bad++
			continue
		}
		keys = append(keys, e.Key)
	}
	if bad != 1 || len(keys) != 2 || keys[0] != 1 || keys[1] != 2 {
		t.Errorf("%v and %d that are no keys", keys, bad)
	}
	if _, err := s.Range([]byte("short"), nil); err == nil {
		t.Error("a bound that is no key is taken")
	}
}
