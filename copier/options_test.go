package copier_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// operations are all that take options, by what they work on.
var operations = map[string]struct {
	options func() any
	run     func(ctx context.Context, w *world, o any) (first, last copier.Report, err error)
}{
	"Copy": {func() any { return &copier.CopyOptions[user]{} }, func(ctx context.Context, w *world, o any) (r, _ copier.Report, err error) {
		r, err = copier.Copy(ctx, w.old, w.new, o.(*copier.CopyOptions[user]))
		return r, r, err
	}},
	"Verify": {func() any { return &copier.VerifyOptions[user]{} }, func(ctx context.Context, w *world, o any) (r, _ copier.Report, err error) {
		r, err = copier.Verify(ctx, w.old, w.new, o.(*copier.VerifyOptions[user]))
		return r, r, err
	}},
	"CopyAndVerify": {func() any { return &copier.CopyAndVerifyOptions[user]{} }, func(ctx context.Context, w *world, o any) (first, last copier.Report, err error) {
		return copier.CopyAndVerify(ctx, w.old, w.new, o.(*copier.CopyAndVerifyOptions[user]))
	}},
	"Repair": {func() any { return &copier.RepairOptions[user]{} }, func(ctx context.Context, w *world, o any) (r, _ copier.Report, err error) {
		r, err = copier.Repair(ctx, w.old, w.new, yieldKeys(w.keys), o.(*copier.RepairOptions[user]))
		return r, r, err
	}},
	"Finish": {func() any { return &copier.FinishOptions{Confirm: copier.NobodyWritesBoth} }, func(ctx context.Context, w *world, o any) (r, _ copier.Report, err error) {
		r, err = copier.Finish(ctx, w.old, o.(*copier.FinishOptions))
		return r, r, err
	}},
}

// Each option of each operation makes a difference there. One that does not must not be in the struct.
func TestEveryOptionIsHonoured(t *testing.T) {
	t.Parallel()
	for op := range operations {
		options := optionsOf(reflect.TypeOf(operations[op].options()).Elem(), "")
		if len(options) > 30 {
			t.Errorf("%s has %d options", op, len(options))
		}
		for _, name := range options {
			t.Run(op+"/"+name, func(t *testing.T) {
				t.Parallel()
				honoured := probes[strings.TrimPrefix(name, "Repair.")]
				if honoured == nil {
					t.Fatal("nobody knows whether it makes a difference: write a probe")
				}
				synctest.Test(t, func(t *testing.T) {
					if !honoured(&probe{t: t, op: op}) {
						t.Error("it makes no difference")
					}
				})
			})
		}
	}
}

// optionsOf are the names of all fields, those of embedded structs and of a policy included.
func optionsOf(s reflect.Type, prefix string) (names []string) {
	for f := range s.Fields() {
		switch {
		case f.Anonymous:
			names = append(names, optionsOf(f.Type, prefix)...)
		case f.Type == reflect.TypeFor[copier.RepairPolicy]():
			names = append(names, optionsOf(f.Type, f.Name+".")...)
		case f.Type == reflect.TypeFor[*copier.RepairPolicy]():
			names = append(append(names, f.Name), optionsOf(f.Type.Elem(), f.Name+".")...)
		default:
			names = append(names, prefix+f.Name)
		}
	}
	return names
}

// world is two places whose calls take a hundredth of a second each, and what was seen of them.
type world struct {
	oldMem, newMem *mem
	old, new       *storefault.Store[string, user]
	keys           [][]byte

	mu               sync.Mutex
	now, together    int // calls at the same time: now, and at most
	largest, lookups int // items of a call; batch reads of new
}

const inWorld = 300 // records

func newWorld(t *testing.T) *world {
	w := &world{oldMem: newMem(t), newMem: newMem(t)}
	w.old = storefault.New(w.oldMem, &storefault.Options{Before: w.before(false)})
	w.new = storefault.New(w.newMem, &storefault.Options{Before: w.before(true)})
	clock := newClock(t)
	for i := range inWorld {
		w.keys = append(w.keys, []byte(keyOf(i)))
		force(t, w.oldMem, keyOf(i), record(next(t, clock), stores.Absent, "x"))
	}
	return w
}

func (w *world) before(new bool) func(context.Context, storefault.Call) error {
	return func(_ context.Context, c storefault.Call) error {
		w.mu.Lock()
		w.now++
		w.together = max(w.together, w.now)
		w.largest = max(w.largest, len(c.Items))
		if new && c.Op == storefault.OpGetMany {
			w.lookups++
		}
		w.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		w.mu.Lock()
		w.now--
		w.mu.Unlock()
		return nil
	}
}

// fail makes calls fail with items that only is true for.
func (w *world) fail(err error, only func(storefault.Item) bool, ops ...storefault.Op) {
	rule := storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: err, Only: only}, ops...)
	w.old.SetRules(rule)
	w.new.SetRules(rule)
}

func fives(it storefault.Item) bool { return strings.HasSuffix(string(it.Key), "5") } // 30 of the records

var (
	errNever = stores.Permanent(errors.New("no"))
	errLater = stores.Transient(errors.New("later"))
)

// probe runs one operation in a new world.
type probe struct {
	t  *testing.T
	op string
}

type set map[string]any

// result is what a run left.
type result struct {
	*world
	first, last copier.Report
	err         error
	took        time.Duration
}

func (p *probe) run(options set, prepare ...func(*world)) result {
	w := newWorld(p.t)
	for _, f := range prepare {
		f(w)
	}
	return p.runIn(p.t.Context(), w, options)
}

func (p *probe) runIn(ctx context.Context, w *world, options set) result {
	o := operations[p.op].options()
	for name, v := range options {
		at := reflect.ValueOf(o).Elem()
		if policy, is := strings.CutPrefix(name, "policy."); is {
			name = policy
			if r := at.FieldByName("Repair"); r.IsValid() {
				if r.Kind() == reflect.Pointer {
					r.Set(reflect.New(r.Type().Elem()))
				}
				at = reflect.Indirect(r)
			}
		}
		at.FieldByName(name).Set(reflect.ValueOf(v))
	}
	began := time.Now()
	first, last, err := operations[p.op].run(ctx, w, o)
	return result{w, first, last, err, time.Since(began)}
}

// again interrupts a run, waits, and runs it again in the same world with more options.
func (p *probe) again(wait time.Duration, more set) result {
	w, cp := newWorld(p.t), &memoryCheckpoint{}
	ctx, cancel := context.WithCancel(p.t.Context())
	asked := 0
	p.runIn(ctx, w, set{"Checkpoint": copier.Checkpointer(cp), "Job": "j", "Batch": 10, "Workers": 1, "Throttle": func() float64 {
		if asked++; asked == 2 {
			cancel()
		}
		return 50
	}})
	if ctx.Err() == nil {
		p.t.Fatal("it was not interrupted")
	}
	time.Sleep(wait)
	options := set{"Checkpoint": copier.Checkpointer(cp), "Job": "j"}
	for name, v := range more {
		options[name] = v
	}
	return p.runIn(p.t.Context(), w, options)
}

// A probe of an option that no operation has any more would say nothing.
func TestEveryProbeIsOfAnOption(t *testing.T) {
	t.Parallel()
	var all []string
	for _, op := range operations {
		for _, name := range optionsOf(reflect.TypeOf(op.options()).Elem(), "") {
			all = append(all, strings.TrimPrefix(name, "Repair."))
		}
	}
	for name := range probes {
		if !slices.Contains(all, name) {
			t.Errorf("there is no option %s", name)
		}
	}
}

// What says how a checkpoint is used, or how progress is told, is ignored without one: so it is an error.
func TestOptionsThatNeedAnother(t *testing.T) {
	t.Parallel()
	for need, options := range map[string]set{
		"a Checkpoint":  {"Restart": true, "CheckpointEvery": time.Second, "ResumeWithin": time.Hour},
		"an OnProgress": {"ProgressEvery": time.Second},
		"a Job":         {"Checkpoint": copier.Checkpointer(&memoryCheckpoint{})},
	} {
		for name, v := range options {
			for op := range operations {
				if _, has := reflect.TypeOf(operations[op].options()).Elem().FieldByName(name); !has {
					continue
				}
				p := &probe{t: t, op: op}
				if err := p.run(set{name: v}).err; err == nil || !strings.Contains(err.Error(), name+" needs "+need) {
					t.Errorf("%s with %s and without %s: %v", op, name, need, err)
				}
			}
		}
	}
	p := &probe{t: t, op: "CopyAndVerify"}
	bad := set{"Grace": time.Duration(-1), "Rounds": -1, "Passes": -1, "VerifyRate": -1.0, "policy.Winner": copier.NewWins}
	for name, v := range bad {
		if r := p.run(set{name: v}); r.err == nil || len(dumpOf(r.newMem)) > 0 {
			t.Errorf("%s is %v: %v, after %d records were copied", name, v, r.err, len(dumpOf(r.newMem)))
		}
	}
}
