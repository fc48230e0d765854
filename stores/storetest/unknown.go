package storetest

import (
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// testUnknownOutcome loses the answer to a write and sends the same write again: whether the first try was applied has
// to be told from what the second one is refused with, at once and after others have built upon it.
func testUnknownOutcome[K, V any](e *env[K, V]) {
	for name, cond := range map[string]func(smaller, base, t stores.Version) stores.Condition{
		"IfStamp":         func(_, base, _ stores.Version) stores.Condition { return stores.IfStamp(base) },
		"IfOlder":         func(_, _, t stores.Version) stores.Condition { return stores.IfOlder(t) },
		"IfAtMost":        func(_, base, _ stores.Version) stores.Condition { return stores.IfAtMost(base, stores.Unknown) },
		"IfAtMost orDead": func(smaller, base, _ stores.Version) stores.Condition { return stores.IfAtMost(smaller, base) },
	} {
		e.fresh(name, func(e *env[K, V]) {
			smaller, base, t := e.stamp(), e.stamp(), e.stamp()
			w := stores.Write[K, V]{Record: e.record(stores.Meta{Version: t, Prev: base}, 1), If: cond(smaller, base, t)}
			e.sub("applied, answer lost", func(e *env[K, V]) { e.checkAnswerLost(w) })
			e.sub("request lost", func(e *env[K, V]) { e.checkRequestLost(w) })
		})
	}
}

func (e *env[K, V]) checkAnswerLost(w stores.Write[K, V]) {
	e.Helper()
	w.Key = e.newKey()
	t := w.Record.Version
	e.plant(w.Key, stores.Meta{Version: w.Record.Prev}, 0)
	e.loseAnswer(storefault.FailAfter, w)
	e.holds(w.Key, e.record(w.Record.Meta, 1))

	e.refusalShows(e.s.Put(e.Context(), w), w.Record.Meta, t)
	next := e.put(w.Key, stores.Meta{Version: e.stamp(), Prev: t}, 2, stores.IfStamp(t))
	e.refusalShows(e.s.Put(e.Context(), w), next.Meta, t)
	e.holds(w.Key, next)
}

// refusalShows checks that a write was refused by what is stored, and that this proves version t to have been applied.
func (e *env[K, V]) refusalShows(err error, stored stores.Meta, t stores.Version) {
	e.Helper()
	e.refused(err, stored)
	if _, m := stores.OutcomeOf(err); !m.Shows(t) {
		e.Errorf("the refusal with %+v does not show that %v was applied", m, t)
	}
}

func (e *env[K, V]) checkRequestLost(w stores.Write[K, V]) {
	e.Helper()
	w.Key = e.newKey()
	before := e.plant(w.Key, stores.Meta{Version: w.Record.Prev}, 0)
	e.loseAnswer(storefault.Lost, w)
	e.holds(w.Key, before)
	if err := e.s.Put(e.Context(), w); err != nil {
		e.Errorf("sent again: %v", err)
	}
	e.holds(w.Key, e.record(w.Record.Meta, 1))
}

func (e *env[K, V]) loseAnswer(kind storefault.Kind, w stores.Write[K, V]) {
	e.Helper()
	s := storefault.New(e.s, &storefault.Options{Rules: []storefault.Rule{storefault.Nth(1, storefault.Fault{Kind: kind}, storefault.OpPut)}})
	err := s.Put(e.Context(), w)
	if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown {
		e.Fatalf("a lost answer: %v", err)
	}
}
