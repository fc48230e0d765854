package dualwritetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// world is where a topic runs: over a single place, in one phase, or in two with a flip at one of the points of the
// topic, counted from 1.
type world struct {
	from, to flags.Phase // to is zero where nothing flips
	at       int
	single   bool
}

// setting is a source that the kit sets by hand.
type setting struct{ phase atomic.Uint32 }

func newSetting(p flags.Phase) *setting {
	s := &setting{}
	s.set(p)
	return s
}

// Phase implements [flags.Source].
func (s *setting) Phase(context.Context) (flags.Phase, error) { return s.get(), nil }

func (s *setting) get() flags.Phase  { return flags.Phase(s.phase.Load()) }
func (s *setting) set(p flags.Phase) { s.phase.Store(uint32(p)) }

// fixture is a repository in its world, with what topics expect of it in words. Keys and values go by their number.
type fixture[K, V any] struct {
	*testing.T
	*dualwrite.Repository[K, V]
	c        *Config[K, V]
	world    world
	phase    *setting
	old, new stores.Store[K, V]
	points   int
}

func newFixture[K, V any](t *testing.T, c *Config[K, V], w world) *fixture[K, V] {
	t.Helper()
	f := &fixture[K, V]{T: t, c: c, world: w, phase: newSetting(w.from)}
	f.old, f.new = c.Open(t)
	old, new := f.old, f.new
	switch w { // old-only is one plain store, and new-only another: the other place may not even be there
	case world{from: flags.OldOnly}:
		new = untouchable[K, V]{f.new, f}
	case world{from: flags.NewOnly}:
		old = untouchable[K, V]{f.old, f}
	}
	f.Repository = f.over(old, new, f.phase)
	return f
}

// over returns another repository; over a single place it is new.
func (f *fixture[K, V]) over(old, new stores.Store[K, V], s flags.Source) *dualwrite.Repository[K, V] {
	f.Helper()
	open := func() (*dualwrite.Repository[K, V], error) { return dualwrite.New(old, new, s, f.c.options()) }
	if f.world.single {
		open = func() (*dualwrite.Repository[K, V], error) { return dualwrite.Single(new, f.c.options()) }
	}
	r, err := open()
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// point is a moment at which the phase may flip. What the protocol asks for before a flip is done here.
func (f *fixture[K, V]) point() {
	f.Helper()
	f.points++
	if f.points != f.world.at {
		return
	}
	if f.world.to == flags.NewOnly {
		f.bringOver()
	}
	f.phase.set(f.world.to)
}

// bringOver leaves nothing that only old holds; the phase is read-new/write-both.
func (f *fixture[K, V]) bringOver() {
	f.Helper()
	for _, err := range f.Scan(f.Context()) {
		if err != nil {
			f.Fatalf("bringing records over: %v", err)
		}
	}
}

func (f *fixture[K, V]) key(i int) K { return f.c.Key(i) }

// value is the i-th value of a record.
func (f *fixture[K, V]) value(key, i int) V { return f.c.Value(f.key(key), i) }

// seed stores a record as it was before the SDK.
func (f *fixture[K, V]) seed(key, value int) {
	f.Helper()
	rec := stores.Record[V]{Meta: stores.Meta{Version: stores.Unstamped}, Value: f.value(key, value)}
	w := stores.Write[K, V]{Key: f.key(key), Record: rec, If: stores.IfOlder(stores.Unstamped)}
	places := []stores.Store[K, V]{f.old}
	if f.world.from == flags.NewOnly {
		places = append(places, f.new)
	}
	for _, s := range places {
		if err := s.Put(f.Context(), w); err != nil {
			f.Fatalf("storing a record without a stamp: %v", err)
		}
	}
}

// put stores a value that nobody refuses.
func (f *fixture[K, V]) put(key, value int) stores.Version {
	f.Helper()
	v, err := f.Put(f.Context(), f.key(key), f.value(key, value))
	if err != nil {
		f.Fatal(err)
	}
	f.wantStamp(v)
	return v
}

// ok ends the test on an error of a write, and checks the version it answered.
func (f *fixture[K, V]) ok(v stores.Version, err error) stores.Version {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	f.wantStamp(v)
	return v
}

func (f *fixture[K, V]) wantStamp(v stores.Version) {
	f.Helper()
	if _, stamped := v.Stamp(); !stamped {
		f.Errorf("a write answered version %v, want a stamp", v)
	}
}

// want checks what a reader gets, and returns the version.
func (f *fixture[K, V]) want(key, value int) stores.Version {
	f.Helper()
	v, version, err := f.GetVersion(f.Context(), f.key(key))
	if err != nil {
		f.Fatal(err)
	}
	if s := f.c.diff(v, f.value(key, value)); s != "" {
		f.Errorf("record %d is not value %d: %s", key, value, s)
	}
	w, err := f.Get(f.Context(), f.key(key))
	if s := f.c.diff(w, v); err != nil || s != "" {
		f.Errorf("Get of record %d answers not what GetVersion does: %v %s", key, err, s)
	}
	return version
}

// wantNone checks that there is no record.
func (f *fixture[K, V]) wantNone(key int) {
	f.Helper()
	_, version, err := f.GetVersion(f.Context(), f.key(key))
	f.wantErr(err, key, dualwrite.ErrNotFound)
	if !version.IsUnknown() {
		f.Errorf("no record %d, but version %v", key, version)
	}
}

// wantErr checks an error by identity, and that it says which key it is about.
func (f *fixture[K, V]) wantErr(err error, key int, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("got error %v, want one that is %q", err, want)
	}
	var e *dualwrite.Error
	if !errors.As(err, &e) {
		f.Fatalf("%T is no *dualwrite.Error: %v", err, err)
	}
	canonical, kerr := f.old.Keys().Append(nil, f.key(key))
	if kerr != nil {
		f.Fatal(kerr)
	}
	if text := stores.FormatKey(canonical); e.Key != text || e.Op == "" {
		f.Errorf("error %q is about operation %q, key %s; want key %s", err, e.Op, e.Key, text)
	}
}

// wantRefused checks a write that was refused.
func (f *fixture[K, V]) wantRefused(v stores.Version, err error, key int, want error) {
	f.Helper()
	f.wantErr(err, key, want)
	if !v.IsUnknown() {
		f.Errorf("a refused write answered version %v", v)
	}
}
