package copier

import (
	"context"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// fixRounds is how often a key is looked at again when a live write was faster.
const fixRounds = 10

// fixer brings single keys into order: it reads old and then new afresh, plans, and makes one conditional write. Copy
// uses it for intents and for what failed, Repair for everything. It is safe for concurrent use.
type fixer[K, V any] struct {
	p        *pass[K, V]
	old, new stores.Store[K, V]
	plan     func(x *pair[K, V]) step[V]
	// refused plans for a record that new refuses for good; nil: such records are left, and advice says what helps.
	refused func(x *pair[K, V]) step[V]
	advice  error
}

// fate is what became of one key.
type fate struct {
	kind  fateKind
	found Finding // what was the matter; for inOrder it is empty
	// refused is the version of old that new refuses; Unknown if there is none.
	refused stores.Version
}

type fateKind uint8

const (
	undecided fateKind = iota
	inOrder            // nothing had to be done
	fixed              // one write set it right
	left               // the finding says why not
	failing            // it may work later
)

// fix deals with the keys and answers in their order. The error is for what ends the pass.
func (f *fixer[K, V]) fix(ctx context.Context, canon [][]byte) ([]fate, error) {
	keys, err := parseKeys(f.old.Keys(), canon)
	if err != nil {
		return nil, err
	}
	fates := make([]fate, len(keys))
	todo := indexes(len(keys))
	for round := 1; len(todo) > 0; round++ {
		pairs, err := f.p.readPairs(ctx, f.old, f.new, pick(keys, todo), pick(canon, todo))
		if err != nil {
			return nil, err
		}
		if err := f.round(ctx, pairs, todo, fates); err != nil {
			return nil, err
		}
		open := todo[:0]
		for _, i := range todo {
			if fates[i].kind == undecided {
				open = append(open, i)
			}
		}
		if todo = open; len(todo) == 0 {
			break
		}
		if round == fixRounds {
			f.giveUp(todo, fates)
			break
		}
		if err := f.p.o.Backoff.Wait(ctx, round); err != nil {
			return nil, err
		}
	}
	return fates, nil
}

// giveUp judges what was still open after the last round.
func (f *fixer[K, V]) giveUp(todo []int, fates []fate) {
	for _, i := range todo {
		switch x := &fates[i]; x.found.Kind {
		case KindFailed:
			x.kind = failing
		default:
			x.kind, x.found.Kind = left, KindUnsettled
		}
	}
}

// job is a write to one place and the keys it is for.
type job[K, V any] struct {
	writes []stores.Write[K, V]
	at     []int // index into the fates
	more   []bool
}

// round plans each pair and sends the writes, first those to new.
func (f *fixer[K, V]) round(ctx context.Context, pairs []pair[K, V], todo []int, fates []fate) error {
	var toNew, toOld job[K, V]
	for j := range pairs {
		letOthersRun(j + 1)
		x, at := &pairs[j], todo[j]
		if x.err != nil {
			fates[at] = fate{found: x.unreadable()}
			if x.broken() {
				fates[at].kind = left
			}
			continue
		}
		refused := fates[at].refused
		s := f.plan(x)
		if s.place == placeNew && x.old.Version.Same(refused) {
			s = f.refused(x)
		}
		switch {
		case s.nothing():
			fates[at] = fate{kind: inOrder}
			continue
		case s.place == "":
			fates[at] = fate{kind: left, found: x.finding(s.kind, s.why)}
			continue
		}
		fates[at] = fate{found: x.finding(s.kind, nil), refused: refused}
		to := &toNew
		if s.place == placeOld {
			to = &toOld
		}
		to.writes = append(to.writes, stores.Write[K, V]{Key: x.key, Record: s.rec, If: s.cond})
		to.at = append(to.at, at)
		to.more = append(to.more, s.more)
	}
	if err := f.send(ctx, placeNew, f.new, &toNew, fates); err != nil {
		return err
	}
	return f.send(ctx, placeOld, f.old, &toOld, fates)
}

// send writes and judges. A refusal leaves the key open: a live write won, look again.
func (f *fixer[K, V]) send(ctx context.Context, name string, s stores.Store[K, V], j *job[K, V], fates []fate) error {
	if len(j.writes) == 0 {
		return nil
	}
	answers, err := f.p.sendWrites(ctx, s, j.writes, nil)
	if err != nil {
		return err
	}
	for i := range answers {
		a, x := &answers[i], &fates[j.at[i]]
		switch {
		case a.applied(j.writes[i].Record.Version):
			if !j.more[i] {
				x.kind = fixed
			}
		case a.outcome == stores.OutcomeRefused:
		case a.outcome == stores.OutcomeRejected && name == placeNew && f.refused != nil && !x.found.Old.Version.Same(x.refused):
			x.refused = x.found.Old.Version
		case a.outcome == stores.OutcomeRejected:
			x.kind, x.found.Kind, x.found.Place, x.found.Err = left, KindRejected, name, a.err
			if name == placeNew && f.advice != nil {
				x.found.Err = fmt.Errorf("%w: %w", f.advice, a.err)
			}
		default:
			x.kind, x.found.Kind, x.found.Place, x.found.Err = failing, KindFailed, name, a.err
		}
	}
	return nil
}
