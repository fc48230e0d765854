package copier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// damage is one key of two places that are not as they should be.
type damage struct {
	old, new *stores.Record[user]
	kind     copier.Kind // "" if that is in order
}

func damages(t testing.TB) map[string]damage {
	c := newClock(t)
	v1, v2, v3 := next(t, c), next(t, c), next(t, c)
	a, b := record(v1, stores.Absent, "a"), record(v2, v1, "b")
	gone := record(v2, v1, "", "deleted")
	plain := record(stores.Unstamped, stores.Unknown, "a")
	return map[string]damage{
		"in order":           {&a, &a, ""},
		"other base":         {&b, ptr(record(v2, stores.Unknown, "b")), ""},
		"committed intent":   {ptr(record(v2, v1, "b", "intent")), &b, ""},
		"legacy":             {&plain, &plain, ""},
		"deleted":            {&gone, &gone, ""},
		"new tombstone":      {nil, &gone, ""},
		"missing":            {&a, nil, copier.KindMissing},
		"missing legacy":     {&plain, nil, copier.KindMissing},
		"missing delete":     {&gone, nil, copier.KindMissing},
		"stale":              {&b, &a, copier.KindStale},
		"stale legacy":       {&a, &plain, copier.KindStale},
		"not deleted":        {&gone, &a, copier.KindStale},
		"open intent":        {ptr(record(v2, v1, "b", "intent")), &a, copier.KindStale},
		"open create":        {ptr(record(v2, stores.Absent, "b", "intent")), nil, copier.KindMissing},
		"dead intent":        {ptr(record(v3, v1, "c", "intent")), &b, copier.KindDeadIntent},
		"lost":               {ptr(record(v3, v2, "c", "intent")), &a, copier.KindLost},
		"wiped":              {ptr(record(v3, v2, "c", "intent")), nil, copier.KindLost},
		"new ahead":          {&a, &b, copier.KindNewAhead},
		"new deleted":        {&a, &gone, copier.KindNewAhead},
		"new over legacy":    {&plain, &b, copier.KindNewAhead},
		"foreign":            {&a, ptr(record(v1, stores.Absent, "x")), copier.KindForeign},
		"foreign legacy":     {&plain, ptr(record(stores.Unstamped, stores.Unknown, "x")), copier.KindForeign},
		"foreign tombstone":  {&b, &gone, copier.KindForeign},
		"extra":              {nil, &a, copier.KindExtra},
		"extra legacy":       {nil, &plain, copier.KindExtra},
		"both never existed": {nil, nil, ""},
	}
}

// inflict makes two places with every damage among n records that are in order.
func inflict(t testing.TB, n int) (old, new *mem, all map[string]damage) {
	old, new, all = newMem(t), newMem(t), damages(t)
	fill(t, old, n)
	if _, err := copier.Copy(t.Context(), old, new, nil); err != nil {
		t.Fatal(err)
	}
	for key, d := range all {
		if d.old != nil {
			force(t, old, key, *d.old)
		}
		if d.new != nil {
			force(t, new, key, *d.new)
		}
	}
	return old, new, all
}

// Regressions 9 and 23: every kind of damage is found, in both directions, and nothing else.
func TestVerifyFindsEveryDamage(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 10, 500} {
		for _, wrap := range compared {
			synctest.Test(t, func(t *testing.T) { findsEveryDamage(t, batch, wrap) })
		}
	}
}

func findsEveryDamage(t *testing.T, batch int, wrap func(*mem) stores.Store[string, user]) {
	old, new, all := inflict(t, 200)
	before := dump(t, old)
	var told []copier.Finding
	o := &copier.VerifyOptions[user]{PassOptions: copier.PassOptions{Batch: batch, OnFinding: func(f copier.Finding) error {
		told = append(told, f)
		return nil
	}}}
	r, err := copier.Verify(t.Context(), wrap(old), wrap(new), o)
	if err != nil || !r.Finished || r.Clean() {
		t.Fatalf("%v %+v", err, r)
	}
	want, got := map[string]copier.Kind{}, map[string]copier.Kind{}
	for key, d := range all {
		if d.kind != "" {
			want[key] = d.kind
		}
	}
	for _, f := range r.Findings {
		if got[string(f.Key)] != "" {
			t.Errorf("found twice: %v", f)
		}
		got[string(f.Key)] = f.Kind
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batch %d: %s", batch, diff)
	}
	if len(told) != len(want) {
		t.Errorf("%d findings told, %d there", len(told), len(want))
	}
	if diff := cmp.Diff(before, dump(t, old), versions); diff != "" {
		t.Errorf("verify wrote: %s", diff)
	}
}

// Regression 19: whoever only wants to look changes neither place, whatever is found.
func TestVerifyWithoutRepairOnlyReads(t *testing.T) {
	t.Parallel()
	innerOld, innerNew, _ := inflict(t, 20)
	old, new := storefault.New[string, user](innerOld, nil), storefault.New[string, user](innerNew, nil)
	r, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Grace: time.Microsecond})
	if err != nil || r.Clean() || r.Repaired != 0 {
		t.Fatalf("%v %+v", err, r)
	}
	for name, s := range map[string]*storefault.Store[string, user]{"old": old, "new": new} {
		if n := s.Calls(storefault.OpPut, storefault.OpPutMany, storefault.OpPutPair, storefault.OpPurge); n != 0 {
			t.Errorf("%d calls that write to %s", n, name)
		}
	}
}

func TestVerifyCountsEveryFindingAndKeepsSome(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 1000)
	o := &copier.VerifyOptions[user]{PassOptions: copier.PassOptions{KeepFindings: 7, Batch: 50, MaxPending: 20}, Grace: time.Microsecond}
	r, err := copier.Verify(t.Context(), old, new, o)
	if err != nil || r.Found[copier.KindMissing] != 1000 || len(r.Findings) != 7 || r.Pending != 0 || r.Same != 0 {
		t.Fatalf("%v %+v", err, r)
	}
	if want := []string{"1000 missing"}; !slices.Equal(r.Reasons(), want) {
		t.Errorf("reasons %v", r.Reasons())
	}
}

// A difference that goes away within the grace period is none; one that stays is one, also if the record moves on and
// on; and the grace period is waited for.
func TestVerifyGivesTimeToSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		c := newClock(t)
		v1 := next(t, c)
		v2 := next(t, c)
		for _, key := range []string{"late", "restless"} {
			force(t, old, key, record(v2, v1, "b"))
			force(t, new, key, record(v1, stores.Absent, "a"))
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			sleepy(ctx, 850*time.Millisecond)
			force(t, new, "late", record(v2, v1, "b"))
			for v := v2; sleepy(ctx, 100*time.Millisecond); {
				w := next(t, c, v)
				force(t, old, "restless", record(w, v, "x"))
				v = w
			}
		}()
		began := time.Now()
		r, err := copier.Verify(ctx, old, new, &copier.VerifyOptions[user]{Grace: time.Second, Rounds: 4})
		took := time.Since(began)
		cancel()
		synctest.Wait()
		if err != nil || len(r.Findings) != 1 || r.Findings[0].Kind != copier.KindUnsettled || string(r.Findings[0].Key) != "restless" {
			t.Fatalf("%v %v", err, r.Findings)
		}
		if took != 4*time.Second || r.Same != 1 {
			t.Errorf("took %v, %d the same", took, r.Same)
		}
	})
}

// Each difference has a grace period of its own.
func TestGraceIsForEachDifference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		c := newClock(t)
		v1, v2 := next(t, c), next(t, c)
		for _, key := range []string{"a", "b"} {
			force(t, old, key, record(v2, v1, "b"))
			force(t, new, key, record(v1, stores.Absent, "a"))
		}
		time.Sleep(time.Second)
		go func() { // a is found after 1 s, b after 2 s; what is looked at once is over after 1.5 s more
			time.Sleep(3200 * time.Millisecond)
			force(t, new, "b", record(v2, v1, "b"))
		}()
		o := &copier.VerifyOptions[user]{PassOptions: copier.PassOptions{Rate: 1, Workers: 1}, Grace: 1500 * time.Millisecond}
		r, err := copier.Verify(t.Context(), old, new, o)
		if err != nil || r.Same != 1 || len(r.Findings) != 1 || string(r.Findings[0].Key) != "a" {
			t.Fatalf("%v %v", err, r.Findings)
		}
	})
}

// Regression 28: a read that fails is no verdict.
func TestVerifyDoesNotJudgeWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, inner := newMem(t), newMem(t)
		fill(t, old, 100)
		if _, err := copier.Copy(t.Context(), old, inner, nil); err != nil {
			t.Fatal(err)
		}
		bad := keyOf(50)
		new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{
			storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Only: only(bad)}, storefault.OpGetMany),
		}})
		cp := &memoryCheckpoint{}
		o := &copier.VerifyOptions[user]{Resume: copier.Resume{Checkpoint: cp, Job: "j"}, MirroringSince: time.Now()}
		r, err := copier.Verify(t.Context(), plain{old}, new, o)
		mustBe(t, err, copier.ErrIncomplete)
		if r.Found[copier.KindFailed] != 1 || r.Found[copier.KindMissing] != 0 || r.Clean() || r.Pending != 1 {
			t.Fatalf("%+v", r)
		}
		new.SetRules()
		r, err = copier.Verify(t.Context(), plain{old}, new, o)
		if err != nil || !r.Clean() || r.Resumed != 1 || r.Read != 200 || r.Same != 100 {
			t.Fatalf("%v %+v", err, r)
		}
	})
}

func TestVerifyReportsUndecodableRecordsOfEitherPlaceOnce(t *testing.T) {
	t.Parallel()
	old, new := brittle(t), brittle(t)
	v := next(t, newClock(t))
	for i := range 20 {
		a, b := fmt.Sprint(i), fmt.Sprint(i)
		switch i {
		case 5:
			a = "broken"
		case 6:
			b = "broken"
		case 7:
			a, b = "broken", "broken"
		}
		force(t, old, keyOf(i), record(v, stores.Absent, a))
		force(t, new, keyOf(i), record(v, stores.Absent, b))
	}
	force(t, new, "only in new", record(v, stores.Absent, "broken"))
	for way, wrap := range compared {
		t.Run(way, func(t *testing.T) { reportsOnce(t, wrap(old), wrap(new)) })
	}
}

func reportsOnce(t *testing.T, old, new stores.Store[string, user]) {
	t.Helper()
	o := &copier.VerifyOptions[user]{Grace: time.Microsecond}
	r, err := copier.Verify(t.Context(), old, new, o)
	got := map[string]int{}
	for _, f := range r.Findings {
		if f.Kind != copier.KindUndecodable {
			t.Errorf("%v", f)
		}
		got[string(f.Key)+" "+f.Place]++
	}
	for key, n := range got {
		if n != 1 {
			t.Errorf("%s found %d times", key, n)
		}
	}
	for _, want := range []string{keyOf(5) + " old", keyOf(6) + " new", keyOf(7) + " old", "only in new new"} {
		if got[want] == 0 {
			t.Errorf("%s not found: %v", want, got)
		}
	}
	if err != nil || r.Same != 17 {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestVerifyComparesWithTheUsersEqual(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	v := next(t, newClock(t))
	force(t, old, "k", record(v, stores.Absent, "a"))
	force(t, new, "k", record(v, stores.Absent, "A"))
	for _, same := range []bool{true, false} {
		o := &copier.VerifyOptions[user]{Grace: time.Microsecond, Equal: func(a, b user) bool { return same }}
		r, err := copier.Verify(t.Context(), old, new, o)
		if err != nil || r.Clean() != same {
			t.Errorf("%v: %v %+v", same, err, r)
		}
	}
}

func TestReportIsMachineReadable(t *testing.T) {
	t.Parallel()
	old, new, _ := inflict(t, 10)
	r, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Grace: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var shape struct {
		Clean   *bool
		Reasons []string
		Found   map[string]int
	}
	var back copier.Report
	if err := errors.Join(json.Unmarshal(b, &shape), json.Unmarshal(b, &back)); err != nil {
		t.Fatal(err)
	}
	if shape.Clean == nil || *shape.Clean || len(shape.Reasons) == 0 || shape.Found["lost"] != 2 {
		t.Errorf("%s", b)
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Started" || p.String() == "Ended" }, cmp.Ignore())
	if diff := cmp.Diff(r, back, versions, ignore); diff != "" {
		t.Error(diff)
	}
}

// foreignID is a store with something under an id that is none of its keys.
type foreignID struct {
	plainStore
	id []byte
}

func (f foreignID) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	return func(yield func(stores.Entry[string, user], error) bool) {
		bad := &stores.RecordError{Key: f.id, Foreign: true, Err: errors.New("an id that is no key")}
		if after == nil && !yield(stores.Entry[string, user]{}, bad) {
			return
		}
		for e, err := range f.plainStore.Scan(ctx, seg, after) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// A foreign id is a finding in either place. Only its own store knows what is meant by the stand-in, so nobody looks it up.
func TestVerifyReportsForeignIDsOfEitherPlace(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"\x01foreign-id", "user-000001"} { // also one that looks like a key
		old, new := newMem(t), newMem(t)
		v := next(t, newClock(t))
		for _, s := range []*mem{old, new} {
			force(t, s, "user-000001", record(v, stores.Absent, "a"))
		}
		for where, pair := range map[string][2]stores.Store[string, user]{
			"old": {foreignID{plainStore{old}, []byte(id)}, plainStore{new}},
			"new": {plainStore{old}, foreignID{plainStore{new}, []byte(id)}},
		} {
			r, err := copier.Verify(t.Context(), pair[0], pair[1], nil)
			if err != nil || !r.Finished || r.Clean() || len(r.Findings) != 1 {
				t.Fatalf("%q in %s: %v, %v", id, where, r.Reasons(), err)
			}
			if f := r.Findings[0]; f.Kind != copier.KindUndecodable || f.Place != where || string(f.Key) != id {
				t.Errorf("%q in %s: %v", id, where, f)
			}
		}
	}
}

// Foreign ids are somebody else's: however many there are, they are no reason to think that everything is refused.
func TestForeignIDsDoNotEndThePass(t *testing.T) {
	t.Parallel()
	r, err := copier.Copy(t.Context(), foreignID{plainStore{newMem(t)}, []byte("\x01foreign-id")}, newMem(t),
		&copier.CopyOptions[user]{PassOptions: copier.PassOptions{MaxRejected: 1}})
	if err != nil || r.Found[copier.KindUndecodable] != 1 {
		t.Errorf("%v, %v", r.Findings, err)
	}
}
