package copier_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

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
	for e, err := range s.Scan(context.Background(), "", nil) {
		if err == nil {
			all[e.Key] = e.Record
		}
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
	"Rate":  func(p *probe) bool { return p.run(set{"Rate": 50.0}).took > p.run(nil).took+1500*time.Millisecond },
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
				failing(nil, errLater, storefault.OpScan, storefault.OpGetMany, storefault.OpPutMany, storefault.OpPurge))
			if most != attempts-1 {
				return false
			}
		}
		return true
	},
	"Backoff": func(p *probe) bool {
		n := 0
		backoff := stores.Backoff(func(int) time.Duration { n++; return 0 })
		p.run(set{"Workers": 1, "Backoff": backoff}, failing(nil, errLater, storefault.OpScan, storefault.OpGetMany))
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
		p.run(set{"OnFinding": func(copier.Finding) error { n++; return nil }}, failing(fives, errNever, writes...))
		return n > 0
	},
	"KeepFindings": func(p *probe) bool {
		return len(p.run(set{"KeepFindings": 2}, failing(fives, errNever, writes...)).last.Findings) == 2 &&
			len(p.run(nil, failing(fives, errNever, writes...)).last.Findings) > 2
	},
	"MaxPending": func(p *probe) bool {
		fault := failing(fives, errLater, storefault.OpGetMany, storefault.OpPutMany, storefault.OpPurge)
		tight := p.run(set{"MaxPending": 3, "Attempts": 2, "Backoff": stores.Backoff(noWait)}, fault)
		wide := p.run(set{"Attempts": 2, "Backoff": stores.Backoff(noWait)}, fault)
		return errors.Is(tight.err, copier.ErrIncomplete) && strings.Contains(tight.err.Error(), "MaxPending") &&
			(wide.err == nil || !strings.Contains(wide.err.Error(), "MaxPending"))
	},
	"MaxRejected": func(p *probe) bool {
		few := p.run(p.repairing(set{"MaxRejected": 20, "Batch": 10, "Workers": 1}), failing(nil, errNever, writes...))
		all := p.run(p.repairing(set{"MaxRejected": -1}), failing(nil, errNever, writes...))
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
	"AcceptLoss": func(p *probe) bool {
		upper := func(w *world) {
			w.newMem = newUpper(p.t)
			w.new = storefault.New[string, user](w.newMem, nil)
			same(w)
		}
		return !p.run(nil, upper).last.Clean() && p.run(set{"AcceptLoss": []string{"Name"}}, upper).last.Clean()
	},
	"Equal": func(p *probe) bool {
		n := 0
		p.run(set{"Workers": 1, "Equal": func(a, b user) bool { n++; return a == b }}, same)
		return n > 0
	},
	"Grace": func(p *probe) bool {
		behind := failing(fives, errNever, writes...)
		return p.run(set{"Grace": time.Minute}, behind).took > p.run(nil, behind).took+30*time.Second
	},
	"Rounds": func(p *probe) bool {
		rounds := func(n int) int {
			return p.run(set{"Rounds": n}, func(w *world) { // they are missing, and cannot be looked at again
				w.new.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: errNever, Only: fives}, storefault.OpPutMany),
					storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: errLater, Only: fives}, storefault.OpGetMany))
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
		passes := func(n int) int { return len(p.run(set{"Passes": n}, failing(fives, errNever, writes...)).last.Earlier) }
		return passes(1) == 0 && passes(4) == 3
	},
	"Confirm": func(p *probe) bool {
		return p.run(nil).err == nil && p.run(set{"Confirm": copier.Confirmation("")}).err != nil
	},
}
