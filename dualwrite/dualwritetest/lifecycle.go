package dualwritetest

import (
	"context"
	"errors"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
)

// routed is about the caller's own queries.
func routed[K, V any](f *fixture[K, V]) {
	mine := errors.New("mine")
	for range 3 {
		want := "old"
		if f.phase.get() > flags.ReadOldWriteBoth {
			want = "new"
		}
		got, err := dualwrite.Read(f.Context(), f.Repository, answer("old", nil), answer("new", nil))
		if err != nil || got != want {
			f.Errorf("%v: the query went to %q, %v; want %q", f.phase.get(), got, err, want)
		}
		got, err = dualwrite.Read(f.Context(), f.Repository, answer("old", mine), answer("new", mine))
		if err != mine || got != want { //nolint:errorlint // it is to be passed on as it is
			f.Errorf("a query that fails answers %q, %v", got, err)
		}
		f.point()
	}
	if _, err := dualwrite.Read(f.Context(), f.Repository, nil, answer("new", nil)); err == nil {
		f.Error("no query was given, and no error answered")
	}
}

func answer(place string, err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return place, err }
}

func status[K, V any](f *fixture[K, V]) {
	for range 2 {
		s := f.Status()
		if s.Phase != f.phase.get() || s.PhaseErr != "" {
			f.Errorf("the status says phase %v, %q; it is %v", s.Phase, s.PhaseErr, f.phase.get())
		}
		if len(s.InFlight) != 0 || len(s.Blocked) != 0 {
			f.Errorf("nothing runs, but the status says %+v", s)
		}
		f.point()
	}
	p := f.phase.get()
	end := f.begin()
	if n := f.Status().InFlight; n[p] != 1 || len(n) != 1 {
		f.Errorf("one operation runs in %v, the status says %v", p, n)
	}
	end()
	if n := f.Status().InFlight; len(n) != 0 {
		f.Errorf("no operation runs any more, the status says %v", n)
	}
}

// begin starts an operation and returns when it runs; end lets it go on and waits for it.
func (f *fixture[K, V]) begin() (end func()) {
	f.Helper()
	running, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		first := true
		_, err := f.Upsert(context.WithoutCancel(f.Context()), f.key(30), func(v *V, _ bool) error {
			*v = f.value(30, 30)
			if first {
				first = false
				close(running)
				<-goOn
			}
			return nil
		})
		done <- err
	}()
	select {
	case <-running:
	case err := <-done:
		f.Fatalf("the operation ended too early: %v", err)
	}
	return func() {
		f.Helper()
		close(goOn)
		if err := <-done; err != nil {
			f.Errorf("an operation that had begun failed: %v", err)
		}
	}
}

// drained is how a gate knows that the phase before is over.
func drained[K, V any](f *fixture[K, V]) {
	before := f.phase.get()
	if err := f.Drained(f.Context(), before); err != nil {
		f.Error(err)
	}
	end := f.begin()
	f.point()
	f.put(1, 1) // others come and go
	ended, cancel := context.WithCancel(f.Context())
	cancel()
	if err := f.Drained(ended, before); !errors.Is(err, context.Canceled) {
		f.Errorf("an operation runs in %v, but Drained answers %v", before, err)
	}
	if err := f.DrainedWrites(ended, before); !errors.Is(err, context.Canceled) {
		f.Errorf("a write runs in %v, but DrainedWrites answers %v", before, err)
	}
	result := make(chan error, 1)
	go func() { result <- f.Drained(f.Context(), before) }()
	end()
	if err := <-result; err != nil {
		f.Errorf("nothing runs any more, but Drained answers %v", err)
	}
	if err := f.DrainedWrites(f.Context(), before); err != nil {
		f.Errorf("nothing runs any more, but DrainedWrites answers %v", err)
	}
	f.want(30, 30)
	if err := f.Drained(f.Context(), 0); err == nil {
		f.Error("Drained of no phase answers nil")
	}
}

func closing[K, V any](f *fixture[K, V]) {
	f.put(0, 1)
	end := f.begin()
	f.point()
	ended, cancel := context.WithCancel(f.Context())
	cancel()
	if err := f.Close(ended); !errors.Is(err, context.Canceled) {
		f.Errorf("an operation runs, but Close answers %v", err)
	}
	_, err := f.Get(f.Context(), f.key(0))
	f.wantErr(err, 0, dualwrite.ErrClosed)
	v, err := f.Put(f.Context(), f.key(0), f.value(0, 2))
	f.wantRefused(v, err, 0, dualwrite.ErrClosed)
	end()
	for range 2 {
		if err := f.Close(f.Context()); err != nil {
			f.Errorf("nothing runs any more, but Close answers %v", err)
		}
	}
	for _, err := range f.Scan(f.Context()) {
		if !errors.Is(err, dualwrite.ErrClosed) {
			f.Errorf("a scan of a closed repository: %v", err)
		}
	}
	if _, err := f.GetMany(f.Context(), []K{f.key(0)}); !errors.Is(err, dualwrite.ErrClosed) {
		f.Errorf("a closed repository reads many: %v", err)
	}
	if _, err := f.PutMany(f.Context(), []dualwrite.Item[K, V]{{Key: f.key(0)}}); !errors.Is(err, dualwrite.ErrClosed) {
		f.Errorf("a closed repository writes many: %v", err)
	}
	f.Repository = f.over(f.old, f.new, f.phase) // what had begun was carried out, what had not was not
	f.want(0, 1)
	f.want(30, 30)
}
