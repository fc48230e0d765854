package dualwritetest

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// How much the topics with several instances do.
const (
	writersEach = 3  // per instance
	rounds      = 12 // per writer
	contested   = 8  // keys that are created
)

// instances are two repositories in the phases of the world, side by side: as a fleet is while a flip spreads.
func (f *fixture[K, V]) instances() []*dualwrite.Repository[K, V] {
	f.Helper()
	p, q := f.world.from, f.world.to
	if q == 0 {
		q = p
	}
	if max(p, q) == flags.NewOnly { // what the protocol asks for before anybody is in new-only
		f.phase.set(flags.ReadNewWriteBoth)
		f.Repository = f.over(f.old, f.new, f.phase)
		f.bringOver()
	}
	return []*dualwrite.Repository[K, V]{f.over(f.old, f.new, newSetting(p)), f.over(f.old, f.new, newSetting(q))}
}

// counting: increments by many writers in neighbouring phases add up.
func counting[K, V any](f *fixture[K, V]) {
	f.seed(0, 0)
	f.point()
	var acknowledged, maybe atomic.Int64
	var versions sync.Map
	instances := f.instances()
	f.fromEach(instances, func(r *dualwrite.Repository[K, V], _ int) {
		for range rounds {
			v, err := patiently(func() (stores.Version, error) { return r.Update(f.Context(), f.key(0), f.slowly) })
			switch {
			case err == nil:
				acknowledged.Add(1)
				if _, twice := versions.LoadOrStore(v, true); twice {
					f.Errorf("two writes answered version %v", v)
				}
			case errors.Is(err, dualwrite.ErrIndeterminate):
				maybe.Add(1)
			default:
				f.Error(err)
				return
			}
		}
	})
	n := f.agreed(instances, 0)
	if least, most := int(acknowledged.Load()), int(acknowledged.Load()+maybe.Load()); n < least || n > most {
		f.Errorf("%d increments were acknowledged and %d may have been applied, but the count is %d", least, most-least, n)
	}
}

// creating: of many who create one record, one wins.
func creating[K, V any](f *fixture[K, V]) {
	f.point()
	instances := f.instances()
	var winner, maybe [contested]atomic.Int64
	f.fromEach(instances, func(r *dualwrite.Repository[K, V], writer int) {
		for i := range contested {
			key := (i + writer) % contested
			_, err := patiently(func() (stores.Version, error) { return r.Create(f.Context(), f.key(key), f.value(key, writer+1)) })
			switch {
			case err == nil:
				if !winner[key].CompareAndSwap(0, int64(writer+1)) {
					f.Errorf("record %d was created twice", key)
				}
			case errors.Is(err, dualwrite.ErrIndeterminate):
				maybe[key].Add(1)
			case !errors.Is(err, dualwrite.ErrExists):
				f.Error(err)
				return
			}
		}
	})
	for key := range contested {
		got, won := f.agreed(instances, key), int(winner[key].Load())
		if won != got && (won != 0 || maybe[key].Load() == 0) {
			f.Errorf("writer %d created record %d, but it is the one of writer %d", won, key, got)
		}
	}
}

// fromEach runs do in some goroutines per instance, and waits for all.
func (f *fixture[K, V]) fromEach(instances []*dualwrite.Repository[K, V], do func(r *dualwrite.Repository[K, V], writer int)) {
	var wg sync.WaitGroup
	for i, r := range instances {
		for w := range writersEach {
			wg.Go(func() { do(r, i*writersEach+w) })
		}
	}
	wg.Wait()
}

// agreed is the number of the value that a record has, in every instance. Those who ask both places go first.
func (f *fixture[K, V]) agreed(instances []*dualwrite.Repository[K, V], key int) int {
	f.Helper()
	answers := map[int]bool{}
	for _, strictly := range []bool{true, false} {
		for _, r := range instances {
			if (r.Status().Phase == flags.ReadNewWriteBoth) != strictly {
				continue
			}
			v, err := r.Get(f.Context(), f.key(key))
			if err != nil {
				f.Fatal(err)
			}
			answers[f.c.index(f.key(key), v)] = true
		}
	}
	if len(answers) != 1 {
		f.Errorf("the instances read different values of record %d: %v", key, answers)
	}
	for n := range answers {
		return n
	}
	return -1
}

// slowly lets others in between the read and the write of an update.
func (f *fixture[K, V]) slowly(v *V) error {
	runtime.Gosched()
	return f.increment(0)(v)
}

// patiently repeats a write that certainly had no effect.
func patiently(do func() (stores.Version, error)) (v stores.Version, err error) {
	for range 100 {
		if v, err = do(); !errors.Is(err, dualwrite.ErrConflict) {
			break
		}
	}
	return v, err
}
