package copier

import (
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// This file decides and does nothing else: no I/O, no clock. Everything it is given was read from old first and from new
// afterwards.

// Winner is whose record survives where the versions can not tell.
type Winner uint8

// The winners.
const (
	// Nobody: such records are reported and left alone.
	Nobody Winner = iota
	// OldWins: new gets what old has; what old does not have is deleted on new.
	OldWins
	// NewWins: old gets what new has. Needs RepairOptions.OldWritable.
	NewWins
)

// Why a record is left as it is.
var (
	errOldNotWritable = errors.New("old may only be written once no instance can be in old-only or read-old/write-both (OldWritable)")
	errNoWinner       = errors.New("the versions do not tell who is right: name a winner")
	errUnstamped      = errors.New("a record without a stamp can not be replaced by another one conditionally")
	errNothingToPut   = errors.New("the place that is to win has nothing under this key")
	errNewRefuses     = errors.New("new refuses what old holds: mend new, or write a value that it takes or delete the record through a repository; " +
		"where old may be written (OldWritable), a repair with NewWins gives old what new has")
)

// classify says how the two records of a key differ; "" if they do not. same compares the contents and is only asked
// when the versions leave it open.
func classify(old, new stores.Meta, same func() bool) Kind {
	switch {
	case old.Version.Same(new.Version):
		if old.Deleted != new.Deleted || !old.Deleted && !old.Version.IsAbsent() && !same() {
			return KindForeign
		}
		return ""
	case new.Version.Newer(old.Version):
		switch {
		case !old.Version.IsAbsent():
			return KindNewAhead
		case new.Deleted:
			return "" // both say "not found", and nothing can come back from it
		default:
			return KindExtra
		}
	}
	switch stores.Resolve(old, new) {
	case stores.Dead:
		return KindDeadIntent
	case stores.Lost:
		return KindLost
	default:
		if new.Version.IsAbsent() {
			return KindMissing
		}
		return KindStale
	}
}

// step is what to do about one key: nothing (the zero step), one conditional write, or leave it and say why.
type step[V any] struct {
	place string // "old" or "new": where to write
	rec   stores.Record[V]
	cond  stores.Condition
	more  bool // the write is not all that has to be done: look again after it
	kind  Kind // what was found; a step without a place leaves it at that
	why   error
}

func (s step[V]) nothing() bool { return s.place == "" && s.kind == "" }

func toNew[V any](kind Kind, rec stores.Record[V], cond stores.Condition) step[V] {
	return step[V]{place: placeNew, rec: rec.Final(), cond: cond, kind: kind}
}

// planCopy brings new up to what old has, and never old to what new has: that is no business of a copy.
func planCopy[V any](old, new stores.Record[V]) step[V] {
	switch stores.Resolve(old.Meta, new.Meta) {
	case stores.CopyOver:
		return toNew(KindStale, old, stores.IfOlder(old.Version))
	case stores.Complete:
		return toNew(KindStale, old, stores.IfStamp(old.Prev))
	case stores.Lost:
		return step[V]{kind: KindLost}
	default: // in step, or a dead intent: new is not behind
		return step[V]{}
	}
}

// policy is what a repair may do beyond bringing new up to date.
type policy struct {
	oldWritable bool
	winner      Winner
	next        func(after ...stores.Version) (stores.Version, error) // makes the stamp of a tombstone
}

// planRepair is the rule for one key. kind is what classify said.
func planRepair[V any](kind Kind, old, new stores.Record[V], p policy) step[V] {
	switch kind {
	case "":
		return step[V]{}
	case KindMissing, KindStale:
		s := planCopy(old, new)
		s.kind = kind
		return s
	case KindNewAhead, KindDeadIntent:
		return overOld(kind, old, new, p)
	case KindExtra:
		if _, stamped := new.Version.Stamp(); stamped && p.oldWritable && p.winner != OldWins {
			return overOld(kind, old, new, p) // an instance in new-only created it
		}
	}
	switch p.winner {
	case OldWins:
		return overNew(kind, old, new, p)
	case NewWins:
		return overOld(kind, old, new, p)
	default:
		return step[V]{kind: kind, why: errNoWinner}
	}
}

// planRefused is the rule for a record of old that new refuses, if new is to win. What new has no stamp for is written as an
// instance in read-new/write-both would, on top of just that: first to old, as an intent.
func planRefused[V any](kind Kind, old, new stores.Record[V], p policy) step[V] {
	if _, stamped := new.Version.Stamp(); stamped {
		return overOld(kind, old, new, p)
	}
	t, err := p.next(old.Version)
	if err != nil {
		return step[V]{kind: kind, why: err}
	}
	again := new
	again.Meta = stores.Meta{Version: t, Prev: new.Version, Intent: true, Deleted: new.Version.IsAbsent()}
	return step[V]{place: placeOld, rec: again, cond: stores.IfStamp(old.Version), kind: kind, more: true}
}

// overOld gives old what new has.
func overOld[V any](kind Kind, old, new stores.Record[V], p policy) step[V] {
	s := step[V]{place: placeOld, rec: new.Final(), cond: stores.IfStamp(old.Version), kind: kind}
	switch {
	case !p.oldWritable:
		return step[V]{kind: kind, why: errOldNotWritable}
	case new.Version.IsAbsent():
		return step[V]{kind: kind, why: errNothingToPut}
	case !new.Version.IsUnstamped():
		return s
	case old.Version.IsAbsent():
		s.cond = stores.IfOlder(stores.Unstamped)
		return s
	default:
		return step[V]{kind: kind, why: errUnstamped}
	}
}

// overNew gives new what old has: a record, or a tombstone where old has nothing.
func overNew[V any](kind Kind, old, new stores.Record[V], p policy) step[V] {
	rec := old
	switch {
	case old.Version.IsUnstamped():
		return step[V]{kind: kind, why: errUnstamped}
	case old.Version.IsAbsent():
		t, err := p.next(new.Version)
		if err != nil {
			return step[V]{kind: kind, why: err}
		}
		rec = stores.Record[V]{Meta: stores.Meta{Version: t, Prev: new.Version, Deleted: true}}
	}
	return toNew(kind, rec, stores.IfStamp(new.Version))
}
