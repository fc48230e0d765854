package dynamostore

import (
	"context"

	"github.com/dualwrite/dualwrite/stores"
)

// job is one write of a batch.
type job struct {
	*change
	at int // in the batch
	// err is the outcome, once it is decided.
	err     error
	decided bool
	// doubt says that an earlier request of this write may have had an effect, whatever comes of the later ones.
	doubt bool
}

func (j *job) decide(err error) {
	j.err, j.decided = judge(j.meta, j.doubt, err), true
}

func undecided(jobs []*job) []*job {
	var left []*job
	for _, j := range jobs {
		if !j.decided {
			left = append(left, j)
		}
	}
	return left
}

// What is done directly before insertions are tried again.
const directWrites = 2000

// PutMany carries out many conditional writes. See stores.BatchWriter. Writes of one key take effect one after the other.
//
// What may be stored where nothing is goes in insertions of 25 in one request, which is all that an empty table needs.
// For the others it is read what is there, a hundred in one request, and what that does not refuse goes in a request
// each, Options.Concurrency at once. When most insertions of a request are refused, reading comes first for a while.
func (s *Store[K, V]) PutMany(ctx context.Context, writes []stores.Write[K, V]) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	errs := make([]error, len(writes))
	var jobs []*job
	for i := range writes {
		c, err := s.encode(&writes[i])
		if err != nil {
			errs[i] = err
			continue
		}
		jobs = append(jobs, &job{change: c, at: i})
	}
	for _, round := range rounds(jobs) {
		s.putRound(ctx, round)
		for _, j := range round {
			errs[j.at] = j.err
		}
	}
	return errs, nil
}

// rounds divides jobs so that none has a key twice and each key's are in order.
func rounds(jobs []*job) [][]*job {
	var all [][]*job
	seen := make(map[string]int, len(jobs))
	for _, j := range jobs {
		n := seen[string(j.canonical)]
		if seen[string(j.canonical)]++; n == len(all) {
			all = append(all, nil)
		}
		all[n] = append(all[n], j)
	}
	return all
}

// putRound carries out writes of different keys.
func (s *Store[K, V]) putRound(ctx context.Context, jobs []*job) {
	var fresh []*job
	for _, j := range jobs {
		if j.cond.Holds(stores.Absent) {
			fresh = append(fresh, j)
		}
	}
	switch n := int64(len(fresh)); {
	case n > 1 && s.direct.Load() > 0:
		s.direct.Add(-n)
		s.insert(ctx, s.look(ctx, fresh))
	case n > 1:
		s.insert(ctx, fresh)
		s.look(ctx, undecided(fresh))
	}
	left := undecided(jobs)
	inParallel(len(left), s.opts.Concurrency, func(i int) {
		err := ctx.Err()
		if err == nil {
			err = s.put(ctx, left[i].change)
		}
		left[i].decide(err)
	})
}

// look reads what is stored and decides the writes that this refuses. It returns those for which nothing is there. A read
// that fails decides nothing.
func (s *Store[K, V]) look(ctx context.Context, jobs []*job) (absent []*job) {
	keys := make([]itemKey, len(jobs))
	for i, j := range jobs {
		keys[i] = j.itemKey
	}
	names := []string{}
	if s.own.view || s.opts.ExpiresAt != nil {
		names = nil // what is there, or not any more, is told from all of the record
	}
	items, errs := s.getItems(ctx, keys, names)
	for i, j := range jobs {
		if errs[i] != nil {
			continue
		}
		stored, err := s.shown(items[i])
		switch {
		case err != nil:
			j.decide(stores.Permanent(s.damaged(j.itemKey, err)))
		case !j.cond.Holds(stored.Version):
			j.decide(&stores.ConditionError{Stored: stored})
		case items[i] == nil:
			absent = append(absent, j)
		}
	}
	return absent
}
