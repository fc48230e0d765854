package copier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

type user struct {
	Name string
	N    int
}

type mem = memstore.Store[string, user]

func newMem(t testing.TB) *mem {
	t.Helper()
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[user]{Clone: func(u user) user { return u }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClock(t testing.TB) *stores.Clock {
	t.Helper()
	c, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func next(t testing.TB, c *stores.Clock, after ...stores.Version) stores.Version {
	t.Helper()
	v, err := c.Next(after...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func keyOf(i int) string { return fmt.Sprintf("user-%06d", i) }

// record is a stamped record; kind is any of "intent", "deleted".
func record(v, prev stores.Version, name string, kind ...string) stores.Record[user] {
	r := stores.Record[user]{Meta: stores.Meta{Version: v, Prev: prev}, Value: user{Name: name}}
	r.Intent = slices.Contains(kind, "intent")
	if slices.Contains(kind, "deleted") {
		r.Deleted, r.Value = true, user{}
	}
	return r
}

// force stores a record over whatever is there.
func force(t testing.TB, s stores.Store[string, user], key string, r stores.Record[user]) {
	t.Helper()
	cond := stores.IfOlder(stores.Unstamped)
	if !r.Version.IsUnstamped() {
		there, err := stores.OrAbsent(s.Get(t.Context(), key))
		if err != nil {
			t.Fatal(err)
		}
		cond = stores.IfStamp(there.Version)
	}
	if err := s.Put(t.Context(), stores.Write[string, user]{Key: key, Record: r, If: cond}); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// fill stores n records: two thirds unstamped, the others stamped, every tenth a tombstone.
func fill(t testing.TB, s stores.Store[string, user], n int) {
	t.Helper()
	c := newClock(t)
	for i := range n {
		switch {
		case i%10 == 9:
			force(t, s, keyOf(i), record(next(t, c), stores.Unknown, "", "deleted"))
		case i%3 == 0:
			force(t, s, keyOf(i), record(next(t, c), stores.Absent, fmt.Sprint("stamped ", i)))
		default:
			force(t, s, keyOf(i), record(stores.Unstamped, stores.Unknown, fmt.Sprint("plain ", i)))
		}
	}
}

// dump is what a store holds, by key.
func dump[V any](t testing.TB, s stores.Store[string, V]) map[string]stores.Record[V] {
	t.Helper()
	all := make(map[string]stores.Record[V])
	for e, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
		e.Record.Prev, e.Record.Intent = stores.Unknown, false
		all[e.Key] = e.Record
	}
	return all
}

// fast makes repetitions immediate.
func fast(o copier.PassOptions) copier.PassOptions {
	o.Backoff = func(int) time.Duration { return 0 }
	return o
}

// memoryCheckpoint keeps every checkpoint that was saved.
type memoryCheckpoint struct {
	saved [][]byte
	err   error
}

func (m *memoryCheckpoint) Load(context.Context) ([]byte, error) {
	if len(m.saved) == 0 {
		return nil, nil
	}
	return m.saved[len(m.saved)-1], nil
}

func (m *memoryCheckpoint) Save(_ context.Context, b []byte) error {
	if m.err != nil {
		return m.err
	}
	m.saved = append(m.saved, slices.Clone(b))
	return nil
}

func (m *memoryCheckpoint) last(t *testing.T) (cp struct {
	Positions []struct {
		Place string
		After []byte
		Done  bool
	}
	Pending [][]byte
	Report  copier.Report
}) {
	t.Helper()
	if err := json.Unmarshal(m.saved[len(m.saved)-1], &cp); err != nil {
		t.Fatal(err)
	}
	return cp
}

func mustBeClean(t testing.TB, old, new stores.Store[string, user]) {
	t.Helper()
	r, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Grace: time.Nanosecond, AllowEmpty: true, PassOptions: fast(copier.PassOptions{})})
	if err != nil || !r.Clean() {
		t.Fatalf("verify: %v %v %v", err, r.Reasons(), r.Findings)
	}
}

func mustBe(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}
