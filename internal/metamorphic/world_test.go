package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// doc is the record of the scripts.
type doc struct{ N int64 }

type (
	store = stores.Store[string, doc]
	repo  = dualwrite.Repository[string, doc]
)

func keyOf(key int) string { return fmt.Sprintf("k%d", key) }

// setting is a source that a world sets.
type setting struct{ phase atomic.Uint32 }

// Phase implements flags.Source.
func (s *setting) Phase(context.Context) (flags.Phase, error) {
	return flags.Phase(s.phase.Load()), nil
}

// world is a way to run scripts.
type world struct {
	name string
	// start are the phases of the instances at the beginning, one or two neighbours.
	start []flags.Phase
	// walks: moves change the phases, between first and last.
	walks       bool
	first, last flags.Phase
	// faulty: the writes of steps fail as the script says.
	faulty bool
	// skew is how far the clock of the second instance is ahead.
	skew time.Duration
	// copies: a copier runs all the time.
	copies bool
	// separate are the instances that write one place after the other; the others write both together.
	separate who
}

// who names some of the instances.
type who uint8

const (
	nobody who = iota
	second
	everybody
)

func (w who) has(instance int) bool { return w == everybody || w == second && instance == 1 }

// run is one run of a script in a world.
type run struct {
	world     world
	ctx       context.Context
	old, new  store // as the instances see them, with faults
	realOld   store
	realNew   store
	instances []*repo
	settings  []*setting
	phases    []flags.Phase
	fault     atomic.Pointer[fault]
	writes    [2]atomic.Int64 // of the step, by place
	beenNew   bool            // somebody was in new-only since both places were compared
	model     *model
	seen      [keyCount][]stores.Version
	doubts    int // outcomes that were not known
}

// play runs a script and reports the first result that the model does not expect.
func (w world) play(tb testing.TB, s script) (doubts int, err error) {
	tb.Helper()
	r := &run{world: w, ctx: tb.Context(), model: newModel(s.seeds), phases: slices.Clone(w.start)}
	r.open(tb, s.seeds)
	stop := func() error { return nil }
	if w.copies {
		stop = r.copyAllTheTime()
	}
	for _, st := range s.steps {
		if err = r.step(st); err != nil {
			err = fmt.Errorf("step %v in %v: %w", st, r.phases, err)
			break
		}
	}
	err = errors.Join(err, stop())
	if err == nil {
		if err = r.finish(); err != nil {
			err = fmt.Errorf("at the end, from %v: %w", r.phases, err)
		}
	}
	return r.doubts, err
}

func (r *run) open(tb testing.TB, seeds map[int]int64) {
	tb.Helper()
	r.realOld, r.old = r.place(tb, 0)
	r.realNew, r.new = r.place(tb, 1)
	for i, p := range r.phases {
		s := &setting{}
		s.phase.Store(uint32(p))
		clock, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return time.Now().Add(time.Duration(i) * r.world.skew) }})
		if err != nil {
			tb.Fatal(err)
		}
		o := &dualwrite.Options{Clock: clock, OperationTimeout: 500 * time.Millisecond, SeparateWrites: r.world.separate.has(i)}
		if !r.world.faulty { // where time is real
			o.Backoff = func(int) time.Duration { return 0 }
		}
		instance, err := dualwrite.New[string, doc](r.old, r.new, s, o)
		if err != nil {
			tb.Fatal(err)
		}
		r.instances, r.settings = append(r.instances, instance), append(r.settings, s)
	}
	for key, v := range seeds {
		r.seed(tb, r.realOld, key, v)
		if slices.Contains(r.phases, flags.NewOnly) {
			r.seed(tb, r.realNew, key, v)
		}
	}
}

func (r *run) seed(tb testing.TB, s store, key int, v int64) {
	tb.Helper()
	rec := stores.Record[doc]{Meta: stores.Meta{Version: stores.Unstamped}, Value: doc{v}}
	err := s.Put(r.ctx, stores.Write[string, doc]{Key: keyOf(key), Record: rec, If: stores.IfOlder(stores.Unstamped)})
	if err != nil {
		tb.Fatal(err)
	}
}

func (r *run) place(tb testing.TB, n int) (inner, faulty store) {
	tb.Helper()
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[doc]{Clone: func(d doc) doc { return d }})
	if err != nil {
		tb.Fatal(err)
	}
	if !r.world.faulty {
		return s, s
	}
	return s, storefault.New[string, doc](s, &storefault.Options{Rules: []storefault.Rule{func(c storefault.Call) (storefault.Fault, bool) {
		return r.strike(c, n)
	}}})
}

// strike is the fault of the present step for a write to a place. A write to both together is one to old, and fails
// whichever place the fault is for.
func (r *run) strike(c storefault.Call, place int) (storefault.Fault, bool) {
	f := r.fault.Load()
	pair := c.Op == storefault.OpPutPair
	if f == nil || c.Op != storefault.OpPut && !pair {
		return storefault.Fault{}, false
	}
	n := r.writes[place].Add(1)
	if f.kind == noFault || f.place != 2 && f.place != place && !pair || f.nth != 0 && int64(f.nth) != n {
		return storefault.Fault{}, false
	}
	return storefault.Fault{Kind: map[faultKind]storefault.Kind{
		unacknowledged: storefault.FailAfter, lost: storefault.Lost, transient: storefault.FailBefore,
	}[f.kind]}, true
}

// mostDoubts is how many writes of one key may be in doubt at a time: in the model each of them may come before or after
// any other.
const mostDoubts = 4

// step carries out one step and shows the results to the model.
func (r *run) step(st step) error {
	if st.kind == move {
		return r.move(st)
	}
	r.writes[0].Store(0)
	r.writes[1].Store(0)
	for i, key := range st.keys { // the same key may come several times
		if r.model.doubts(key)+i+1 > mostDoubts {
			st.fault = fault{}
		}
	}
	r.fault.Store(&st.fault)
	defer r.fault.Store(nil)
	instance := r.instances[st.who%len(r.instances)]
	switch st.kind {
	case get:
		v, version, err := instance.GetVersion(r.ctx, keyOf(st.keys[0]))
		return r.hasRead(st, st.keys[0], outcome{v.N, version, err})
	case getMany:
		results, err := instance.GetMany(r.ctx, names(st.keys))
		if err != nil && !r.excuses(st, err) {
			return err
		}
		for i, res := range results {
			if err := r.hasRead(st, st.keys[i], outcome{res.Value.N, res.Version, res.Err}); err != nil {
				return err
			}
		}
		return nil
	case scan:
		return r.scan(st, instance.Scan(r.ctx))
	case putMany, removeMany:
		return r.writeMany(st, instance)
	default:
		return r.writeOne(st, instance)
	}
}

func names(keys []int) []string {
	var all []string
	for _, k := range keys {
		all = append(all, keyOf(k))
	}
	return all
}

// excuses tells whether a read may fail: bringing a record over is a write. Nothing was answered, so nothing is learned.
func (r *run) excuses(st step, err error) bool {
	return r.world.faulty && st.fault.kind != noFault && errors.Is(err, storefault.ErrInjected)
}

func (r *run) hasRead(st step, key int, got outcome) error {
	if got.err != nil && r.excuses(st, got.err) {
		return nil
	}
	if got.err == nil {
		r.see(key, got.version)
	}
	return r.model.read(key, got)
}

func (r *run) scan(st step, records iter.Seq2[dualwrite.Item[string, doc], error]) error {
	got := map[int]outcome{}
	for it, err := range records {
		if err != nil {
			if r.excuses(st, err) {
				return nil
			}
			return err
		}
		key := int(it.Key[1] - '0')
		if _, twice := got[key]; twice {
			return fmt.Errorf("key %d is scanned twice", key)
		}
		got[key] = outcome{it.Value.N, it.Version, nil}
	}
	for key := range keyCount {
		if _, there := got[key]; !there {
			got[key] = outcome{err: dualwrite.ErrNotFound}
		}
		if err := r.hasRead(st, key, got[key]); err != nil {
			return err
		}
	}
	return nil
}

// see remembers a version, for conditional writes to come.
func (r *run) see(key int, v stores.Version) {
	if !slices.ContainsFunc(r.seen[key], v.Same) {
		r.seen[key] = append(r.seen[key], v)
	}
}

// version is one that was seen of a key, so many before the latest; that of a record from before the SDK if there is none.
func (r *run) version(key, back int) stores.Version {
	if i := len(r.seen[key]) - 1 - back; i >= 0 {
		return r.seen[key][i]
	}
	return stores.Unstamped
}

func (r *run) writeOne(st step, instance *repo) error {
	key := st.keys[0]
	a := action{id: st.id << 8, kind: st.kind, value: st.value, fails: st.fails, version: r.version(key, st.ref)}
	var version stores.Version
	var err error
	change := func(d *doc) error {
		d.N = mix(d.N, a.value)
		if a.fails {
			return errByFunction
		}
		return nil
	}
	switch st.kind {
	case put:
		version, err = instance.Put(r.ctx, keyOf(key), doc{a.value})
	case create:
		version, err = instance.Create(r.ctx, keyOf(key), doc{a.value})
	case update:
		version, err = instance.Update(r.ctx, keyOf(key), change)
	case upsert:
		version, err = instance.Upsert(r.ctx, keyOf(key), func(d *doc, _ bool) error { return change(d) })
	case putIf:
		version, err = instance.PutIf(r.ctx, keyOf(key), doc{a.value}, a.version)
	case remove:
		err = instance.Delete(r.ctx, keyOf(key))
	case removeIf:
		err = instance.DeleteIf(r.ctx, keyOf(key), a.version)
	}
	return r.hasWritten(st, key, a, outcome{version: version, err: err})
}

func (r *run) writeMany(st step, instance *repo) error {
	var results []dualwrite.WriteResult
	var err error
	k := put
	if st.kind == putMany {
		var items []dualwrite.Item[string, doc]
		for i, key := range st.keys {
			items = append(items, dualwrite.Item[string, doc]{Key: keyOf(key), Value: doc{st.value + int64(i)}})
		}
		results, err = instance.PutMany(r.ctx, items)
	} else {
		k = remove
		results, err = instance.DeleteMany(r.ctx, names(st.keys))
	}
	failed := false
	for i, key := range st.keys {
		failed = failed || results[i].Err != nil
		a := action{id: st.id<<8 + i, kind: k, value: st.value + int64(i)}
		if err := r.hasWritten(st, key, a, outcome{version: results[i].Version, err: results[i].Err}); err != nil {
			return err
		}
	}
	if failed != (err != nil) {
		return fmt.Errorf("the answers of the keys are %v, that of the batch is %w", results, err)
	}
	return nil
}

// hasWritten shows the model what a write answered. An error that says that nothing was written is no surprise to it if
// the fault of the step was of that kind, and then nothing may have been written.
func (r *run) hasWritten(st step, key int, a action, got outcome) error {
	switch {
	case errors.Is(got.err, dualwrite.ErrIndeterminate):
		if !r.world.faulty {
			return fmt.Errorf("nothing is in doubt, but %w", got.err)
		}
		r.doubts++
	case r.world.faulty && st.fault.kind != noFault && errors.Is(got.err, stores.ErrTransient):
		return nil
	case r.excuses(st, got.err): // nothing of the write's own was sent yet: it had to bring something over first
		return nil
	case got.err == nil && !got.version.IsUnknown() && a.kind != remove:
		r.see(key, got.version)
	}
	return r.model.write(key, a, got)
}
