package interleave

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// bent is a place with another Get or Put.
type bent struct {
	store
	get func(s store) (record, error)
	put func(s store, w write) error
}

func (b bent) Get(ctx context.Context, k string) (record, error) {
	if b.get == nil {
		return b.store.Get(ctx, k)
	}
	return b.get(b.store)
}

func (b bent) Put(ctx context.Context, w write) error {
	if b.put == nil {
		return b.store.Put(ctx, w)
	}
	return b.put(b.store, w)
}

// storing changes what is written.
func storing(change func(w *write)) func() bent {
	return func() bent {
		return bent{put: func(s store, w write) error {
			change(&w)
			return s.Put(context.Background(), w)
		}}
	}
}

// stale answers a read with the record before the last one.
func stale() bent {
	var before *record
	return bent{
		get: func(s store) (record, error) {
			if before != nil {
				return *before, nil
			}
			return s.Get(context.Background(), key)
		},
		put: func(s store, w write) error {
			was, none := s.Get(context.Background(), key)
			err := s.Put(context.Background(), w)
			if none == nil && err == nil {
				before = &was
			}
			return err
		},
	}
}

// bending are places that are not what the protocol builds on: what is said about an answer, and what the judges say about
// the consequences where nobody looks at the answers.
var bending = []struct {
	name               string
	bend               func() bent
	cause, consequence string
}{
	{"stale reads", stale, "to a read, but holds", "does not come to an end"},
	{"no prev", storing(func(w *write) { w.Record.Prev = stores.Unknown }), "to a read, but holds", "new has lost data"},
	{"no intent", storing(func(w *write) { w.Record.Intent = false }), "to a read, but holds", "no order explains the history"},
	{"equal is older", storing(func(w *write) {
		if w.If.Kind == stores.KindIfOlder && !w.If.Version.IsUnstamped() {
			w.If = stores.IfAtMost(w.If.Version, stores.Unknown)
		}
	}), "although it holds", "a second time"},
}

func TestOver(t *testing.T) {
	for _, test := range bending {
		for _, look := range []bool{true, false} {
			err := firstViolation(t, func(s *Scenario) *Scenario {
				over := s.Over(func() (old, new store, err error) {
					places, err := inMemory()
					for p := range places {
						b := test.bend()
						b.store = places[p]
						places[p] = b
					}
					return places[oldPlace], places[newPlace], err
				})
				over.checked = look
				return over
			})
			t.Logf("%s, looking at answers %v: %v", test.name, look, err)
			want := test.consequence
			if look {
				want = test.cause
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, looking at answers %v: %v, want %q", test.name, look, err, want)
			}
		}
	}
}

// firstViolation is what is said first about any of the scenarios for stores.
func firstViolation(t *testing.T, over func(s *Scenario) *Scenario) error {
	t.Helper()
	for _, n := range ForStores(1, 5000, false) {
		rep, err := Explore(t, over(n.Scenario), n.Limits)
		if err != nil {
			return err
		}
		if rep.Violation != nil {
			return rep.Violation.Err
		}
	}
	return nil
}

// TestOverPlacesWithoutPairs: a repository that finds out that the places can not commit together.
func TestOverPlacesWithoutPairs(t *testing.T) {
	var list []*Scenario
	for _, n := range Alone() {
		if n.Actors[0].Paired && n.Start.Name == "stamped both" {
			list = append(list, n.Over(func() (old, new store, err error) {
				places, err := inMemory()
				return bent{store: places[oldPlace]}, bent{store: places[newPlace]}, err
			}))
		}
	}
	if len(list) == 0 {
		t.Fatal("there is no such scenario")
	}
	exploreAll(t, list, func(*Scenario) Limits { return Limits{Preemptions: -1, Faults: 1} })
}

// TestOverLooksAtFailures: a place that fails of itself makes a schedule worthless.
func TestOverLooksAtFailures(t *testing.T) {
	broken := errors.New("disk full")
	err := firstViolation(t, func(s *Scenario) *Scenario {
		return s.Over(func() (old, new store, err error) {
			places, err := inMemory()
			return places[oldPlace], bent{store: places[newPlace], put: func(store, write) error { return broken }}, err
		})
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "new fails to store") {
		t.Errorf("%v", err)
	}
}

func TestForStoresKeepsToItsShare(t *testing.T) {
	for _, schedules := range []int{1, 500, 5000, 60_000} {
		most := 0
		for _, n := range ForStores(1, schedules, true) {
			most += n.Limits.Schedules
		}
		named := (len(WhatBroke()) + len(KnownOutcomes())) * max(1, min(namedMost, schedules/namedShare))
		if most-named > schedules+leastShare || most == 0 {
			t.Errorf("%d schedules were asked for: %d", schedules, most-named)
		}
	}
	for _, n := range ForStores(1, 5000, false) {
		if strings.Contains(n.Scenario.Name(), "pairs") {
			t.Errorf("%s writes in pairs", n.Scenario.Name())
		}
	}
}
