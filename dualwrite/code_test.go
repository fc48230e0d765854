package dualwrite_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// answer is a way to an error of a repository, and what the error has to be.
type answer struct {
	phases []int // indexes of phases; nil for all
	opts   dualwrite.Options
	do     func(r *rig) error
	is     error // the only identity, nil for none
	http   int
	grpc   uint32
}

// failing makes every call of the ops in both places answer an error without effect.
func (r *rig) failing(err error, ops ...storefault.Op) {
	for _, p := range []*place{r.old, r.new} {
		p.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: err}, ops...))
	}
}

func (r *rig) update() error {
	_, err := r.Update(r.Context(), "k", addOne)
	return err
}

func (r *rig) get() error {
	_, err := r.Get(r.Context(), "k")
	return err
}

var errOfUser = errors.New("the user's own")

// answers are the errors that a repository can answer, each by the way that leads to it.
var answers = map[string]answer{
	"no error":          {do: func(r *rig) error { r.both(1); return r.update() }, http: 200, grpc: 0},
	"not found":         {do: (*rig).get, is: dualwrite.ErrNotFound, http: 404, grpc: 5},
	"not found, update": {do: (*rig).update, is: dualwrite.ErrNotFound, http: 404, grpc: 5},
	"exists": {do: func(r *rig) error {
		r.both(1)
		_, err := r.Create(r.Context(), "k", account{})
		return err
	}, is: dualwrite.ErrExists, http: 409, grpc: 6},
	"other version": {do: func(r *rig) error {
		r.both(1)
		return r.DeleteIf(r.Context(), "k", r.stamp())
	}, is: dualwrite.ErrVersion, http: 412, grpc: 10},
	"no version": {do: func(r *rig) error { return r.DeleteIf(r.Context(), "k", stores.Absent) }, is: dualwrite.ErrVersion, http: 412, grpc: 10},
	"conflict": {opts: dualwrite.Options{Attempts: 2}, do: func(r *rig) error {
		r.both(1)
		for _, p := range []*place{r.old, r.new} {
			onPut(p, func(_ int, it storefault.Item) {
				r.plant(p, "k", live(r.stamp(it.Meta.Version, r.stored(p, "k").Version), 100))
			})
		}
		return r.update()
	}, is: dualwrite.ErrConflict, http: 503, grpc: 14},
	"can not be stored": {do: func(r *rig) error {
		r.both(1)
		r.failing(stores.Permanent(errors.New("too large")), storefault.OpPut, storefault.OpCheck)
		return r.update()
	}, is: stores.ErrPermanent, http: 422, grpc: 3},
	"busy": {do: func(r *rig) error {
		r.both(1)
		r.failing(stores.Transient(errors.New("throttled")), storefault.OpPut)
		return r.update()
	}, is: stores.ErrTransient, http: 503, grpc: 14},
	"busy until the caller has gone": {do: func(r *rig) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		r.failing(stores.Transient(errors.New("throttled")), storefault.OpPut)
		_, err := r.Put(ctx, "k", account{})
		return err
	}, opts: dualwrite.Options{Backoff: func(int) time.Duration { return time.Minute }}, is: stores.ErrTransient, http: 503, grpc: 14},
	"a read that fails": {do: func(r *rig) error {
		r.failing(errors.New("connection reset"), storefault.OpGet)
		return r.get()
	}, http: 500, grpc: 13},
	"a record that does not decode": {do: func(r *rig) error {
		r.failing(stores.Permanent(&stores.RecordError{Key: []byte("k"), Err: errors.New("no JSON")}), storefault.OpGet)
		return r.get()
	}, is: stores.ErrPermanent, http: 500, grpc: 13},
	"the user's function": {do: func(r *rig) error {
		r.both(1)
		_, err := r.Update(r.Context(), "k", func(*account) error { return errOfUser })
		return err
	}, is: errOfUser, http: 500, grpc: 13},
	"no function": {do: func(r *rig) error { _, err := r.Update(r.Context(), "k", nil); return err }, http: 500, grpc: 13},
	"the deadline of the caller": {do: func(r *rig) error {
		ctx, cancel := context.WithTimeout(r.Context(), -1)
		defer cancel()
		_, err := r.Put(ctx, "k", account{})
		return err
	}, is: context.DeadlineExceeded, http: 504, grpc: 4},
	"a caller that is gone": {do: func(r *rig) error {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		_, err := r.Get(ctx, "k")
		return err
	}, is: context.Canceled, http: 499, grpc: 1},
	"no phase": {do: func(r *rig) error { r.phase.set(0); return r.update() }, is: dualwrite.ErrPhaseUnknown, http: 503, grpc: 14},
	"closed": {do: func(r *rig) error {
		if err := r.Close(r.Context()); err != nil {
			r.Fatal(err)
		}
		return r.update()
	}, is: dualwrite.ErrClosed, http: 503, grpc: 14},
	"a store that is closed": {do: func(r *rig) error { r.failing(stores.ErrClosed); return r.update() }, is: dualwrite.ErrClosed, http: 503, grpc: 14},
	"a batch": {do: func(r *rig) error {
		_, err := r.GetMany(r.Context(), []string{"k"})
		if err != nil {
			r.Error(err)
		}
		r.failing(stores.Transient(errors.New("throttled")), storefault.OpPut)
		_, err = r.PutMany(r.Context(), []dualwrite.Item[string, account]{{Key: "k"}, {Key: "l"}})
		return err
	}, is: stores.ErrTransient, http: 503, grpc: 14},
	"unknown outcome": {do: func(r *rig) error {
		r.both(1)
		for _, p := range []*place{r.old, r.new} {
			p.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Lost, Err: context.DeadlineExceeded}, storefault.OpPut))
		}
		return r.update()
	}, opts: dualwrite.Options{Backoff: stores.DefaultBackoff}, is: dualwrite.ErrIndeterminate, http: 500, grpc: 2},
	"announced, and refused for good": {phases: []int{2}, do: func(r *rig) error {
		r.both(1)
		r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
		return r.update()
	}, is: dualwrite.ErrIndeterminate, http: 500, grpc: 2},
	"blocked": {phases: []int{2}, do: func(r *rig) error {
		r.both(1)
		r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
		_ = r.update()
		return r.get()
	}, is: dualwrite.ErrBlocked, http: 503, grpc: 9},
	"blocked by what does not decode": {phases: []int{2}, do: func(r *rig) error {
		r.plant(r.old, "k", live(r.stamp(), 2))
		err := stores.Permanent(&stores.RecordError{Key: []byte("k"), Err: errors.New("damaged")})
		r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: err}, storefault.OpPut))
		return r.get()
	}, is: dualwrite.ErrBlocked, http: 503, grpc: 9},
	"new has lost data": {phases: []int{2}, do: func(r *rig) error {
		r.plant(r.old, "k", intent(r.stamp(), r.stamp(), 10))
		return r.get()
	}, is: dualwrite.ErrBlocked, http: 503, grpc: 9},
	"a mirror that is missed": {phases: []int{1}, opts: dualwrite.Options{ReportMissedMirrors: true}, do: func(r *rig) error {
		r.both(1)
		r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
		return r.update()
	}, is: dualwrite.ErrMirrorMissed, http: 200, grpc: 0},
}

// Each error is what the table says and nothing else, and has the status of that.
func TestCodes(t *testing.T) {
	t.Parallel()
	for name, a := range answers {
		for i, p := range phases {
			if len(a.phases) > 0 && a.phases[0] != i {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, p, &a.opts)
				err := a.do(r)
				if a.is != nil && !errors.Is(err, a.is) || a.is == nil && a.http != 200 && err == nil {
					t.Fatalf("%v, %s: got %v, want %v", p, name, err, a.is)
				}
				wantOnly(r, name, err, a.is)
				if h, g := dualwrite.HTTPStatus(err), dualwrite.GRPCCode(err); h != a.http || g != a.grpc {
					t.Errorf("%v, %s: %v is HTTP %d and gRPC %d, want %d and %d", p, name, err, h, g, a.http, a.grpc)
				}
			})
		}
	}
}

// What passes the repository by, or is two things on purpose.
func TestCodesOfOtherErrors(t *testing.T) {
	t.Parallel()
	s, err := memstore.New[string, account](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dualwrite.Single[string, account](transactional{s}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Put(context.WithValue(t.Context(), transactionKey{}, true), "k", account{})
	for _, c := range []struct {
		err  error
		http int
		grpc uint32
	}{{err, 500, 13}, {errOfUser, 500, 13}, {dualwrite.ErrPhaseChanged, 503, 14}} {
		if h, g := dualwrite.HTTPStatus(c.err), dualwrite.GRPCCode(c.err); h != c.http || g != c.grpc {
			t.Errorf("%v is HTTP %d and gRPC %d, want %d and %d", c.err, h, g, c.http, c.grpc)
		}
	}
}
