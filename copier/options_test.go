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
	noWrite = stores.Permanent(errors.New("no"))
	later   = stores.Transient(errors.New("later"))
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

// calls counts those of a function that an option holds.
func calls[R any](n *int, answer R) func() R {
	return func() R { *n++; return answer }
}

func same(w *world) {
	for key, r := range dumpOf(w.oldMem) {
		_ = w.newMem.Put(context.Background(), stores.Write[string, user]{Key: key, Record: r, If: stores.IfOlder(r.Version)})
	}
}

func dumpOf(s *mem) map[string]stores.Record[user] {
	all := make(map[string]stores.Record[user])
	for e := range s.Scan(context.Background(), "", nil) {
		all[e.Key] = e.Record
	}
	return all
}

func failing(only func(storefault.Item) bool, err error, ops ...storefault.Op) func(*world) {
	return func(w *world) { w.fail(err, only, ops...) }
}

var writes = []storefault.Op{storefault.OpPutMany, storefault.OpPurge}

func noWait(int) time.Duration { return 0 }

// repairing is a set that makes a verify repair too.
func (p *probe) repairing(s set) set {
	if p.op == "Verify" {
		s["Repair"] = &copier.RepairPolicy{}
	}
	return s
}

// probes tell whether an option makes the difference that it is for.
var probes = map[string]func(p *probe) bool{
	"Workers": func(p *probe) bool {
		return p.run(set{"Batch": 10, "Workers": 1}).together == 1 && p.run(set{"Batch": 10, "Workers": 3}).together == 3
	},
	"Batch": func(p *probe) bool { return p.run(set{"Batch": 10}).largest == 10 },
	"Rate":  func(p *probe) bool { return p.run(set{"Rate": 100.0}).took > p.run(nil).took+1500*time.Millisecond },
	"VerifyRate": func(p *probe) bool {
		return p.run(set{"VerifyRate": 50.0}).took > p.run(nil).took+9*time.Second
	},
	"Throttle": func(p *probe) bool {
		n := 0
		p.run(set{"Throttle": calls(&n, 1e9)})
		return n > 0
	},
	"Attempts": func(p *probe) bool {
		for _, attempts := range []int{3, 5} {
			most := 0
			backoff := stores.Backoff(func(n int) time.Duration { most = max(most, n); return 0 })
			p.run(set{"Workers": 1, "Attempts": attempts, "Backoff": backoff},
				failing(nil, later, storefault.OpScan, storefault.OpGetMany, storefault.OpPutMany, storefault.OpPurge))
			if most != attempts-1 {
				return false
			}
		}
		return true
	},
	"Backoff": func(p *probe) bool {
		n := 0
		backoff := stores.Backoff(func(int) time.Duration { n++; return 0 })
		p.run(set{"Workers": 1, "Backoff": backoff}, failing(nil, later, storefault.OpScan, storefault.OpGetMany))
		return n > 0
	},
	"OnProgress": func(p *probe) bool {
		n := 0
		p.run(set{"OnProgress": func(copier.Progress) { n++ }})
		return n > 0
	},
	"ProgressEvery": func(p *probe) bool {
		var n [2]int
		for i, every := range []time.Duration{time.Second, 100 * time.Millisecond} {
			p.run(set{"Rate": 100.0, "ProgressEvery": every, "OnProgress": func(copier.Progress) { n[i]++ }})
		}
		return n[1] > 3*n[0]
	},
	"OnFinding": func(p *probe) bool {
		n := 0
		p.run(set{"OnFinding": func(copier.Finding) error { n++; return nil }}, failing(fives, noWrite, writes...))
		return n > 0
	},
	"KeepFindings": func(p *probe) bool {
		return len(p.run(set{"KeepFindings": 2}, failing(fives, noWrite, writes...)).last.Findings) == 2 &&
			len(p.run(nil, failing(fives, noWrite, writes...)).last.Findings) > 2
	},
	"MaxPending": func(p *probe) bool {
		fault := failing(fives, later, storefault.OpGetMany, storefault.OpPutMany, storefault.OpPurge)
		tight := p.run(set{"MaxPending": 3, "Attempts": 2, "Backoff": stores.Backoff(noWait)}, fault)
		wide := p.run(set{"Attempts": 2, "Backoff": stores.Backoff(noWait)}, fault)
		return errors.Is(tight.err, copier.ErrIncomplete) && strings.Contains(tight.err.Error(), "MaxPending") &&
			(wide.err == nil || !strings.Contains(wide.err.Error(), "MaxPending"))
	},
	"MaxRejected": func(p *probe) bool {
		few := p.run(p.repairing(set{"MaxRejected": 20, "Batch": 10, "Workers": 1}), failing(nil, noWrite, writes...))
		all := p.run(p.repairing(set{"MaxRejected": -1}), failing(nil, noWrite, writes...))
		return errors.Is(few.err, copier.ErrRejected) && few.last.Found[copier.KindRejected]+few.first.Found[copier.KindRejected] < 60 && all.err == nil
	},
	"Checkpoint": func(p *probe) bool {
		cp := &memoryCheckpoint{}
		p.run(set{"Checkpoint": copier.Checkpointer(cp), "Job": "j"})
		return len(cp.saved) > 0
	},
	"Job": func(p *probe) bool {
		return errors.Is(p.again(0, set{"Job": "another"}).err, copier.ErrCheckpoint) && p.run(set{"Job": "j"}).last.Job == "j"
	},
	"Restart": func(p *probe) bool {
		return p.again(0, nil).first.Resumed == 1 && p.again(0, set{"Restart": true}).first.Resumed == 0
	},
	"CheckpointEvery": func(p *probe) bool {
		var saves [2]int
		for i, every := range []time.Duration{time.Hour, time.Nanosecond} {
			cp := &memoryCheckpoint{}
			p.run(set{"Checkpoint": copier.Checkpointer(cp), "Job": "j", "Batch": 10, "Workers": 1, "CheckpointEvery": every})
			saves[i] = len(cp.saved)
		}
		return saves[1] > 5*saves[0]
	},
	"ResumeWithin": func(p *probe) bool {
		return p.again(2*time.Hour, nil).err == nil && errors.Is(p.again(2*time.Hour, set{"ResumeWithin": time.Hour}).err, copier.ErrCheckpoint)
	},
	"MirroringSince": func(p *probe) bool {
		resumed := func(r result) bool { return strings.Contains(strings.Join(r.first.Reasons(), ""), "resumed at") }
		return resumed(p.again(0, nil)) && !resumed(p.again(0, set{"MirroringSince": time.Now().Add(-time.Hour)}))
	},
	"AllowEmpty": func(p *probe) bool {
		empty := func(w *world) { w.oldMem, w.old = newMem(p.t), storefault.New[string, user](newMem(p.t), nil) }
		return !p.run(nil, empty).last.Clean() && p.run(set{"AllowEmpty": true}, empty).last.Clean()
	},
	"Equal": func(p *probe) bool {
		n := 0
		p.run(set{"Workers": 1, "Equal": func(a, b user) bool { n++; return a == b }}, same)
		return n > 0
	},
	"Grace": func(p *probe) bool {
		behind := failing(fives, noWrite, writes...)
		return p.run(set{"Grace": time.Minute}, behind).took > p.run(nil, behind).took+30*time.Second
	},
	"Rounds": func(p *probe) bool {
		rounds := func(n int) int {
			return p.run(set{"Rounds": n}, func(w *world) { // they are missing, and cannot be looked at again
				w.new.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: noWrite, Only: fives}, storefault.OpPutMany),
					storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: later, Only: fives}, storefault.OpGetMany))
			}).lookups
		}
		return rounds(8) > rounds(2)
	},
	"Repair": func(p *probe) bool {
		return p.run(nil).last.Repaired == 0 && p.run(set{"Repair": &copier.RepairPolicy{}}).last.Repaired == inWorld
	},
	"OldWritable": func(p *probe) bool {
		ahead := func(w *world) {
			force(p.t, w.newMem, keyOf(7), record(next(p.t, newClock(p.t), dumpOf(w.oldMem)[keyOf(7)].Version), stores.Absent, "ahead"))
		}
		got := func(s set) string { return dumpOf(p.run(s, ahead).oldMem)[keyOf(7)].Value.Name }
		return got(nil) == "x" && got(set{"policy.OldWritable": true}) == "ahead"
	},
	"Winner": func(p *probe) bool {
		extra := func(w *world) {
			force(p.t, w.newMem, "extra", record(next(p.t, newClock(p.t)), stores.Absent, "extra"))
			w.keys = append(w.keys, []byte("extra"))
		}
		deleted := func(s set) bool { return dumpOf(p.run(s, extra).newMem)["extra"].Deleted }
		return !deleted(nil) && deleted(set{"policy.Winner": copier.OldWins})
	},
	"Passes": func(p *probe) bool {
		passes := func(n int) int { return len(p.run(set{"Passes": n}, failing(fives, noWrite, writes...)).last.Earlier) }
		return passes(1) == 0 && passes(4) == 3
	},
	"Confirm": func(p *probe) bool {
		return p.run(nil).err == nil && p.run(set{"Confirm": copier.Confirmation("")}).err != nil
	},
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
