package dualwrite_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// onPut calls fn before a put reaches a place, with its number.
func onPut(p *place, fn func(n int, it storefault.Item)) {
	n := 0
	p.before = func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPut {
			n++
			fn(n, c.Items[0])
		}
		return nil
	}
}

// both plants a record in both places and returns its version.
func (r *rig) both(balance int64) stores.Version {
	r.Helper()
	rec := live(r.stamp(), balance)
	r.plant(r.old, "k", rec)
	r.plant(r.new, "k", rec)
	return rec.Version
}

// Between intent and commit somebody else may have been at new. What new holds then tells what became of the write.
func TestCommitThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// meddle does something to new before the commit of version v, which is based on base, arrives.
		meddle func(r *rig, v, base stores.Version)
		want   int64 // what is stored in the end
		doubt  bool
	}{
		"completed by somebody": {
			meddle: func(r *rig, v, base stores.Version) {
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: v, Prev: base}, Value: account{Balance: 11}})
			},
			want: 11,
		},
		"completed and built upon": {
			meddle: func(r *rig, v, _ stores.Version) {
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(v), Prev: v}, Value: account{Balance: 50}})
			},
			want: 50,
		},
		"overtaken in new-only": {
			meddle: func(r *rig, _, base stores.Version) {
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(base), Prev: base}, Value: account{Balance: 50}})
			},
			want: 51, // done again, on top of it
		},
		"overtaken twice in new-only": {
			meddle: func(r *rig, _, base stores.Version) {
				first := r.stamp(base)
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(first), Prev: first}, Value: account{Balance: 50}})
			},
			want: 50, doubt: true,
		},
		"built upon twice in read-old/write-both": {
			meddle: func(r *rig, v, _ stores.Version) {
				first := r.stamp(v)
				r.plant(r.old, "k", record{Meta: stores.Meta{Version: first, Prev: v}, Value: account{Balance: 12}})
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(first), Prev: first}, Value: account{Balance: 50}})
			},
			want: 50,
		},
		"overwritten blindly in read-old/write-both": {
			meddle: func(r *rig, v, _ stores.Version) {
				r.plant(r.new, "k", live(r.stamp(v), 50))
				r.plant(r.old, "k", live(r.stamp(v), 50))
			},
			want: 50, doubt: true,
		},
	} {
		r := newRig(t, phaseB, nil)
		base := r.both(10)
		var first stores.Version
		onPut(r.new, func(n int, it storefault.Item) {
			if n == 1 {
				first = it.Meta.Version
				c.meddle(r, first, base)
			}
		})
		v, err := r.Update(t.Context(), "k", addOne)
		got := r.stored(r.new, "k")
		switch {
		case c.doubt:
			r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want == 51 && (!got.Version.Same(v) || v.Same(first) || len(r.events.of(dualwrite.EventRetry)) == 0):
			t.Errorf("%s: new has %+v, the answer was %v, the first stamp %v", name, got, v, first)
		case c.want != 51 && !v.Same(first):
			t.Errorf("%s: the answer was %v, the only stamp %v", name, v, first)
		}
		if got.Value.Balance != c.want || got.Intent {
			t.Errorf("%s: new has %+v, want balance %d", name, got, c.want)
		}
	}
}

// An intent that can never commit may have a greater stamp than all that is based on what overtook it.
func TestDeadIntentsAreReplaced(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"one's own": true, "somebody else's": false} {
		r := newRig(t, phaseB, nil)
		base := r.both(10)
		overtake := func() {
			r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(base), Prev: base}, Value: account{Balance: 50}})
		}
		if own {
			onPut(r.new, func(n int, _ storefault.Item) {
				if n == 1 {
					overtake()
				}
			})
		} else {
			r.plant(r.old, "k", intent(later(t, 0), base, 11))
			overtake()
			r.wantBalance(r.repo, "k", 50) // dead: not what a reader sees
		}
		v, err := r.Update(t.Context(), "k", addOne)
		if err != nil || !r.stored(r.new, "k").Version.Same(v) || !r.stored(r.old, "k").Version.Same(v) {
			t.Errorf("%s: %v, %v; old has %+v, new %+v", name, v, err, r.stored(r.old, "k"), r.stored(r.new, "k"))
		}
		r.wantBalance(r.repo, "k", 51)
	}
}

// A live intent is completed for its owner before anything is written on top.
func TestLiveIntentsAreCompleted(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		r := newRig(t, phaseB, nil)
		base := r.both(9)
		pending := r.stamp()
		r.plant(r.old, "k", intent(pending, base, 10))
		if _, err := change(t.Context(), r.repo, pending); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := r.stored(r.new, "k"); got.Value.Balance != 11 || !got.Prev.Same(pending) {
			t.Errorf("%s: new has %+v, want 11 on top of %v", name, got, pending)
		}
		if n := len(r.events.of(dualwrite.EventResolved)); n != 1 {
			t.Errorf("%s: %d records brought over", name, n)
		}
	}
}

// What could not be stored is refused before anything is written anywhere.
func TestCheckBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"old", "new"} {
		r := newRig(t, phaseB, nil)
		base := r.both(10)
		var checked []storefault.Item
		p := r.placeNamed(place)
		p.fault.SetRules(func(c storefault.Call) (storefault.Fault, bool) {
			if c.Op == storefault.OpCheck {
				checked = append(checked, c.Items...)
			}
			return storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("too large"))}, c.Op == storefault.OpCheck
		})
		_, err := r.Update(t.Context(), "k", addOne)
		r.wantErr(err, place, "k", stores.ErrPermanent)
		wantOnly(r, place, err, stores.ErrPermanent)
		if n := r.old.fault.Calls(storefault.OpPut) + r.new.fault.Calls(storefault.OpPut); n != 0 {
			t.Errorf("too large for %s: %d writes were sent", place, n)
		}
		if len(checked) != 1 || checked[0].Meta.Intent != (place == "old") || !checked[0].Meta.Prev.Same(base) {
			t.Errorf("%s was asked about %+v", place, checked)
		}
		if blocked := r.Status().Blocked; len(blocked) != 0 {
			t.Errorf("%v are blocked", blocked)
		}
	}
}

// When new refuses for good what was announced, the write is in doubt and the key is blocked; when the cause is gone, the
// key is not.
func TestBlocked(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	version := r.both(10)
	r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
	_, err := r.Update(t.Context(), "k", addOne)
	r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate)
	wantOnly(r, "update", err, dualwrite.ErrIndeterminate)

	_, err = r.Get(t.Context(), "k")
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	_, err = r.PutIf(t.Context(), "k", account{}, version)
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	_, err = r.Create(t.Context(), "k", account{}) // writes nothing, and still must not answer from new alone
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	results, err := r.GetMany(t.Context(), []string{"other", "k"})
	if !errors.Is(err, dualwrite.ErrBlocked) || len(results) != 2 || !errors.Is(results[1].Err, dualwrite.ErrBlocked) ||
		!errors.Is(results[0].Err, dualwrite.ErrNotFound) {
		t.Errorf("get many: %+v, %v", results, err)
	}
	if got := r.stored(r.new, "k"); !got.Version.Same(version) {
		t.Errorf("new has %+v", got)
	}
	blocked := r.Status().Blocked
	if len(blocked) != 1 || blocked[0].Key != `"k"` || blocked[0].Cause == "" || blocked[0].Time.IsZero() {
		t.Errorf("the status names %+v", blocked)
	}
	if got := r.events.of(dualwrite.EventBlocked); len(got) != 5 || got[0].Key != `"k"` || got[0].Err == nil || got[0].Place != "new" {
		t.Errorf("the observer saw %+v", got)
	}

	r.new.fault.SetRules()
	r.wantBalance(r.repo, "k", 11)
	if blocked := r.Status().Blocked; len(blocked) != 0 {
		t.Errorf("still blocked: %+v", blocked)
	}
}

// Who brought a key in step, and where, does not matter: a read that finds it so takes it off the list.
func TestNoLongerBlocked(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	r.both(10)
	r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
	_, err := r.Update(t.Context(), "k", addOne)
	r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate)
	if blocked := r.Status().Blocked; len(blocked) != 1 {
		t.Errorf("blocked: %+v", blocked)
	}
	r.new.fault.SetRules()
	announced := r.stored(r.old, "k").Final()
	if err := r.new.fault.Put(t.Context(), stores.Write[string, account]{Key: "k", Record: announced, If: stores.IfStamp(announced.Prev)}); err != nil {
		t.Fatal(err)
	}
	r.wantBalance(r.repo, "k", 11)
	if blocked := r.Status().Blocked; len(blocked) != 0 {
		t.Errorf("still blocked: %+v", blocked)
	}
}

func keyText(i int) string { return "key-" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }

// New has lost what an intent of old was based on: nobody can tell what became of it, so nothing is written anywhere.
func TestNewHasLostData(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	pending := intent(r.stamp(), r.stamp(), 10)
	r.plant(r.old, "k", pending)
	_, err := r.Get(t.Context(), "k")
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	_, err = r.Put(t.Context(), "k", account{})
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	r.wantErr(r.Delete(t.Context(), "k"), "new", "k", dualwrite.ErrBlocked)
	_, err = r.Update(t.Context(), "k", addOne)
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	_, err = r.Create(t.Context(), "k", account{})
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	if got := r.stored(r.old, "k"); got != pending {
		t.Errorf("old has %+v, want %+v", got, pending)
	}
	if got := r.stored(r.new, "k"); !got.Version.IsAbsent() {
		t.Errorf("new has %+v", got)
	}
	if blocked := r.Status().Blocked; len(blocked) != 1 {
		t.Errorf("the status names %+v", blocked)
	}
	older := live(stores.Unstamped, 3) // or an old backup was restored
	r.plant(r.new, "k", older)
	_, err = r.Get(t.Context(), "k")
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
}

// What is final on old is copied over whatever new lost.
func TestNewHasLostWhatOldStillHas(t *testing.T) {
	t.Parallel()
	for name, rec := range map[string]record{
		"a record":           live(later(t, -1), 7),
		"a legacy record":    live(stores.Unstamped, 7),
		"a deleted record":   {Meta: stores.Meta{Version: later(t, -1), Deleted: true}},
		"an intent of a new": intent(later(t, -1), stores.Absent, 7),
	} {
		r := newRig(t, phaseB, nil)
		r.plant(r.old, "k", rec)
		v, version, err := r.GetVersion(t.Context(), "k")
		if rec.Deleted {
			r.wantErr(err, "", "k", dualwrite.ErrNotFound)
		} else if err != nil || v.Balance != 7 || !version.Same(rec.Version) {
			t.Errorf("%s: %+v, %v, %v", name, v, version, err)
		}
		if got := r.stored(r.new, "k"); got != rec.Final() {
			t.Errorf("%s: new has %+v, want %+v", name, got, rec.Final())
		}
	}
}

// A store that is closed says nothing about the record: its key is not blocked, whoever meets it.
func TestAClosedStoreBlocksNoKey(t *testing.T) {
	t.Parallel()
	closed := storefault.Fault{Kind: storefault.FailBefore, Err: stores.ErrClosed}
	for name, o := range map[string]dualwrite.Options{"separate": {SeparateWrites: true}, "together": {}} {
		r := newRigWith(t, phaseB, o)
		r.both(10)
		announced := intent(r.stamp(), r.stored(r.new, "k").Version, 11)
		r.plant(r.old, "ahead", announced)
		r.plant(r.new, "ahead", live(announced.Prev, 10))
		r.new.fault.SetRules(storefault.Always(closed, storefault.OpPut))
		_, err := r.Put(t.Context(), "k", account{})
		if name == "separate" {
			r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate)
		}
		_, err = r.Get(t.Context(), "ahead")
		r.wantErr(err, "new", "ahead", dualwrite.ErrClosed)
		if errors.Is(err, dualwrite.ErrBlocked) {
			t.Errorf("%s: get: %v", name, err)
		}
		if blocked := r.Status().Blocked; len(blocked) != 0 {
			t.Errorf("%s: blocked: %+v", name, blocked)
		}
	}
}

// A read helps with what it meets, but ends with its caller, also when it does not learn what became of that.
func TestHelpOfAReadEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseB, &dualwrite.Options{Backoff: func(int) time.Duration { return time.Millisecond }, Attempts: 1000})
		r.plant(r.old, "k", live(r.stamp(), 10))
		r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: errors.New("connection reset")}, storefault.OpPut))
		for name, read := range map[string]func(ctx context.Context) error{
			"get": func(ctx context.Context) error { _, err := r.Get(ctx, "k"); return err },
			"get many": func(ctx context.Context) error {
				res, err := r.GetMany(ctx, []string{"k"})
				return errors.Join(err, res[0].Err)
			},
			"scan": func(ctx context.Context) error {
				for _, err := range r.Scan(ctx) {
					if err != nil {
						return err
					}
				}
				return nil
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			begun := time.Now()
			err := read(ctx)
			if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took > 50*time.Millisecond {
				t.Errorf("%s: %v, after %v", name, err, took)
			}
			cancel()
		}
	})
}

// versionless is a store that answers records without a version.
type versionless struct{ *memory }

func (versionless) Get(context.Context, string) (stores.Record[account], error) {
	return stores.Record[account]{Value: account{Balance: 1}}, nil
}

// A record without a version is the mistake of a store, and nothing to go by.
func TestARecordWithoutAVersionIsAnError(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r, err := dualwrite.New[string, account](versionless{newPlace(t).memory}, versionless{newPlace(t).memory}, flags.Static(p), nil)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := r.Get(t.Context(), "k"); !errors.Is(err, dualwrite.ErrPermanent) {
			t.Errorf("%v: get: %v, %v", p, v, err)
		}
		if _, err := r.Update(t.Context(), "k", addOne); !errors.Is(err, dualwrite.ErrPermanent) {
			t.Errorf("%v: update: %v", p, err)
		}
	}
}
