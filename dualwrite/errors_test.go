package dualwrite_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// What callers tell errors apart by; each error of a write is at most one of them. The first two are for writes that may
// have had an effect, the others say that there was none.
var identities = []error{
	dualwrite.ErrIndeterminate, dualwrite.ErrMirrorMissed,
	dualwrite.ErrNotFound, dualwrite.ErrExists, dualwrite.ErrVersion, dualwrite.ErrConflict, dualwrite.ErrBlocked,
	dualwrite.ErrPhaseUnknown, dualwrite.ErrClosed, stores.ErrPermanent, stores.ErrTransient,
}

// Somebody who repeats a write on ErrTransient or ErrConflict must not be told that by a write that may be committed.
func TestEffectAndNoEffectAreNeverOneError(t *testing.T) {
	t.Parallel()
	faults := map[string]error{
		"transient": stores.Transient(errors.New("throttled")), "permanent": stores.Permanent(errors.New("too large")),
		"closed": stores.ErrClosed, "unknown": errors.New("connection reset"), "timeout": context.DeadlineExceeded,
	}
	for name, fault := range faults {
		for _, p := range phases[1:3] {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, p, &dualwrite.Options{ReportMissedMirrors: true, Backoff: stores.DefaultBackoff})
				r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: fault}, storefault.OpPut))
				want := dualwrite.ErrMirrorMissed
				if p == phaseB {
					want = dualwrite.ErrIndeterminate
				}
				v, err := r.Put(t.Context(), "k", account{})
				r.wantErr(err, "new", "k", want)
				wantOnly(r, name, err, want)
				if v.IsUnknown() != (p == phaseB) {
					t.Errorf("%v, %s: the answer has version %v", p, name, v)
				}
				if !strings.Contains(err.Error(), fault.Error()) {
					t.Errorf("%v, %s: %q does not say why", p, name, err)
				}
			})
		}
	}
}

func wantOnly(r *rig, what string, err, want error) {
	r.Helper()
	for _, id := range identities {
		if errors.Is(err, id) != errors.Is(want, id) {
			r.Errorf("%s: errors.Is(%q, %q) is %v", what, err, id, errors.Is(err, id))
		}
	}
}

// The cause of a write that may have had an effect keeps the identities that say nothing about that.
func TestCauseOfAnIndeterminateWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := &causeOfTest{}
		r := newRig(t, phaseO, &dualwrite.Options{Backoff: stores.DefaultBackoff})
		r.old.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Lost, Err: cause}, storefault.OpPut))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the operation's own end comes first
		defer cancel()
		_, err := r.Put(ctx, "k", account{})
		r.wantErr(err, "old", "k", dualwrite.ErrIndeterminate, context.DeadlineExceeded)
		if got, ok := errors.AsType[*causeOfTest](err); !ok || got != cause {
			t.Errorf("%v does not tell its cause", err)
		}
	})
}

type causeOfTest struct{}

func (*causeOfTest) Error() string { return "a cause" }

func TestPhaseUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0, nil)
	_, errGet := r.Get(t.Context(), "k")
	_, errPut := r.Put(t.Context(), "k", account{})
	_, errMany := r.GetMany(t.Context(), []string{"k"})
	_, errRead := dualwrite.Read(t.Context(), r.repo, readNothing, readNothing)
	var errScan error
	for _, err := range r.Scan(t.Context()) {
		errScan = err
	}
	for name, err := range map[string]error{"get": errGet, "put": errPut, "many": errMany, "read": errRead, "scan": errScan} {
		var e *dualwrite.Error
		if !errors.Is(err, dualwrite.ErrPhaseUnknown) || !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := r.Status()
	if s.Phase != 0 || !strings.Contains(s.PhaseErr, flags.ErrPhaseUnknown.Error()) {
		t.Errorf("status says phase %v, %q", s.Phase, s.PhaseErr)
	}
	if n := r.old.fault.Calls() + r.new.fault.Calls(); n != 0 {
		t.Errorf("%d store calls", n)
	}
}

func readNothing(context.Context) (int, error) { return 0, nil }
