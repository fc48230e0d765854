package boltstore

import (
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

type wrapped struct{ stores.Store[string, note] }

func (w wrapped) Unwrap() stores.Store[string, note] { return w.Store }

func TestPairIsStoredTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	db := open(t)
	a, b := notes(t, db, "a"), notes(t, db, "b")
	mustPut(t, b, write{Key: "taken", Record: live(stamp(5), stores.Unknown, 5), If: stores.IfOlder(stamp(5))})
	w := func(key string) write {
		return write{Key: key, Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
	}
	bad := w("k2")
	bad.If = stores.Condition{}
	for _, c := range []struct {
		mine, theirs  write
		first, second stores.Outcome
	}{
		{w("k1"), w("k1"), stores.OutcomeApplied, stores.OutcomeApplied},
		{w("k2"), w("taken"), stores.OutcomeApplied, stores.OutcomeRefused},
		{w("k1"), w("k2"), stores.OutcomeRefused, stores.OutcomeApplied},
		{bad, w("taken"), stores.OutcomeRejected, stores.OutcomeRefused},
		{w("k2"), bad, stores.OutcomeApplied, stores.OutcomeRejected},
		{bad, bad, stores.OutcomeRejected, stores.OutcomeRejected},
	} {
		before := txid(t, db)
		err := stores.PutPair(t.Context(), a, c.mine, wrapped{wrapped{b}}, c.theirs)
		var pe *stores.PairError
		if c.first == stores.OutcomeApplied && c.second == stores.OutcomeApplied {
			if err != nil || txid(t, db) != before+1 {
				t.Errorf("%v, %d transactions", err, txid(t, db)-before)
			}
			continue
		}
		if !errors.As(err, &pe) || txid(t, db) != before {
			t.Errorf("%s, %s: %v", c.mine.Key, c.theirs.Key, err)
			continue
		}
		first, _ := stores.OutcomeOf(pe.First)
		second, _ := stores.OutcomeOf(pe.Second)
		if first != c.first || second != c.second {
			t.Errorf("%s, %s: %v", c.mine.Key, c.theirs.Key, pe)
		}
	}
	for _, s := range []*view{a, b} {
		if _, err := s.Get(t.Context(), "k2"); !errors.Is(err, stores.ErrNotFound) {
			t.Errorf("half a pair was stored: %v", err)
		}
	}
}

func TestPairsThatCanNotBe(t *testing.T) {
	t.Parallel()
	db := open(t)
	a := notes(t, db, "a")
	w := write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
	for _, tt := range []struct {
		name  string
		other stores.Store[string, note]
		want  error
	}{
		{"another file", notes(t, open(t), "b"), errors.ErrUnsupported},
		{"another store", struct{ stores.Store[string, note] }{a}, errors.ErrUnsupported},
		{"nil", nil, errors.ErrUnsupported},
		{"the same record", wrapped{notes(t, db, "a")}, stores.ErrPermanent},
	} {
		if err := stores.PutPair(t.Context(), a, w, tt.other, w); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := a.Get(t.Context(), "k"); !errors.Is(err, stores.ErrNotFound) {
		t.Errorf("it had an effect: %v", err)
	}
}
