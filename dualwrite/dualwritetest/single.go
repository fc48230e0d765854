package dualwritetest

import (
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

func getAndPut[K, V any](f *fixture[K, V]) {
	f.wantNone(0)
	f.point()
	f.wantNone(0)
	first := f.put(0, 1)
	f.point()
	if v := f.want(0, 1); !v.Same(first) {
		f.Errorf("the record has version %v, its Put answered %v", v, first)
	}
	second := f.put(0, 2)
	f.point()
	if v := f.want(0, 2); !v.Same(second) || !second.Newer(first) {
		f.Errorf("the record has version %v; its Put answered %v, the one before %v", v, second, first)
	}
	f.wantNone(1)
}

func create[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	first := f.ok(f.Create(ctx, f.key(0), f.value(0, 1)))
	f.point()
	v, err := f.Create(ctx, f.key(0), f.value(0, 2))
	f.wantRefused(v, err, 0, dualwrite.ErrExists)
	if v := f.want(0, 1); !v.Same(first) {
		f.Errorf("the record has version %v, Create answered %v", v, first)
	}
	if err := f.Delete(ctx, f.key(0)); err != nil {
		f.Fatal(err)
	}
	f.point()
	f.ok(f.Create(ctx, f.key(0), f.value(0, 3)))
	f.point()
	v, err = f.Create(ctx, f.key(0), f.value(0, 4))
	f.wantRefused(v, err, 0, dualwrite.ErrExists)
	f.want(0, 3)
}

func update[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	v, err := f.Update(ctx, f.key(0), func(*V) error {
		f.Error("a record that is not there was changed")
		return nil
	})
	f.wantRefused(v, err, 0, dualwrite.ErrNotFound)
	f.put(0, 0)
	for i := range 4 {
		f.point()
		v := f.ok(f.Update(ctx, f.key(0), f.increment(0)))
		if w := f.want(0, i+1); !w.Same(v) {
			f.Errorf("the record has version %v, Update answered %v", w, v)
		}
	}
	if err := f.Delete(ctx, f.key(0)); err != nil {
		f.Fatal(err)
	}
	f.point()
	v, err = f.Update(ctx, f.key(0), f.increment(0))
	f.wantRefused(v, err, 0, dualwrite.ErrNotFound)
	_, err = f.Update(ctx, f.key(0), nil)
	if err == nil {
		f.Error("an update without a function answered no error")
	}
}

// increment makes the value numbered i of a record the one numbered i+1.
func (f *fixture[K, V]) increment(key int) func(v *V) error {
	return func(v *V) error {
		i := f.c.index(f.key(key), *v)
		if i < 0 {
			return fmt.Errorf("the value is none of those that the test has stored; beside the first one: %s", f.c.diff(*v, f.value(key, 0)))
		}
		*v = f.value(key, i+1)
		return nil
	}
}

func upsert[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	upsert := func(wantExists bool, from, to int) {
		f.Helper()
		f.ok(f.Upsert(ctx, f.key(0), func(v *V, exists bool) error {
			if exists != wantExists {
				f.Errorf("upsert is told that the record exists: %v", exists)
			}
			if s := f.c.diff(*v, f.value(0, from)); exists && s != "" {
				f.Errorf("upsert is not given value %d: %s", from, s)
			}
			*v = f.value(0, to)
			return nil
		}))
		f.want(0, to)
	}
	upsert(false, 0, 1)
	f.point()
	upsert(true, 1, 2)
	if err := f.Delete(ctx, f.key(0)); err != nil {
		f.Fatal(err)
	}
	f.point()
	upsert(false, 0, 3)
}

func remove[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	remove := func() {
		f.Helper()
		if err := f.Delete(ctx, f.key(0)); err != nil {
			f.Fatal(err)
		}
		f.wantNone(0)
	}
	remove() // of nothing
	f.put(0, 1)
	f.put(1, 1)
	f.point()
	remove()
	f.point()
	f.wantNone(0)
	remove() // twice
	f.put(0, 2)
	f.point()
	f.want(0, 2)
	remove()
	f.point()
	f.wantNone(0)
	f.want(1, 1)
}

// conditional is the way of an ETag: read, and write if nobody else did.
func conditional[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	first := f.put(0, 1)
	f.point()
	second := f.ok(f.PutIf(ctx, f.key(0), f.value(0, 2), first))
	f.want(0, 2)
	f.point()
	v, err := f.PutIf(ctx, f.key(0), f.value(0, 3), first)
	f.wantRefused(v, err, 0, dualwrite.ErrVersion)
	f.wantErr(f.DeleteIf(ctx, f.key(0), first), 0, dualwrite.ErrVersion)
	f.want(0, 2)
	f.point()
	if err := f.DeleteIf(ctx, f.key(0), second); err != nil {
		f.Fatal(err)
	}
	f.wantNone(0)
	f.point()
	for _, gone := range []stores.Version{first, second} {
		v, err = f.PutIf(ctx, f.key(0), f.value(0, 4), gone)
		f.wantRefused(v, err, 0, dualwrite.ErrVersion)
		f.wantErr(f.DeleteIf(ctx, f.key(0), gone), 0, dualwrite.ErrVersion)
	}
	for _, none := range []stores.Version{stores.Unknown, stores.Absent} {
		v, err = f.PutIf(ctx, f.key(1), f.value(1, 4), none)
		f.wantRefused(v, err, 1, dualwrite.ErrVersion)
		f.wantErr(f.DeleteIf(ctx, f.key(1), none), 1, dualwrite.ErrVersion)
	}
	f.wantNone(0)
	f.wantNone(1)
}

// versions, as text in the hands of clients, stay valid, and each is later than the one before.
func versions[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	last := f.put(0, 0)
	for i := range 5 {
		f.point()
		if v := f.want(0, i); !v.Same(last) {
			f.Errorf("the record has version %v, its last write answered %v", v, last)
		}
		etag, err := stores.ParseVersion(last.String())
		if err != nil {
			f.Fatal(err)
		}
		next := f.ok(f.PutIf(ctx, f.key(0), f.value(0, i+1), etag))
		if !next.Newer(last) {
			f.Errorf("version %v follows %v", next, last)
		}
		last = next
	}
}

// refusals leave the record and its version as they were.
func refusals[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	mine := errors.New("not today")
	stale := f.put(0, 1)
	version := f.put(0, 2)
	for range 3 {
		f.point()
		v, err := f.Create(ctx, f.key(0), f.value(0, 3))
		f.wantRefused(v, err, 0, dualwrite.ErrExists)
		v, err = f.PutIf(ctx, f.key(0), f.value(0, 3), stale)
		f.wantRefused(v, err, 0, dualwrite.ErrVersion)
		f.wantErr(f.DeleteIf(ctx, f.key(0), stale), 0, dualwrite.ErrVersion)
		v, err = f.Update(ctx, f.key(0), func(v *V) error { *v = f.value(0, 3); return mine })
		f.wantRefused(v, err, 0, mine)
		v, err = f.Upsert(ctx, f.key(1), func(v *V, _ bool) error { *v = f.value(1, 3); return mine })
		f.wantRefused(v, err, 1, mine)
		if v := f.want(0, 2); !v.Same(version) {
			f.Errorf("refused writes changed the version from %v to %v", version, v)
		}
		f.wantNone(1)
	}
}

// legacy is about records that were there before the SDK was.
func legacy[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	for i := range 6 {
		f.seed(i, i)
	}
	f.point()
	if v := f.want(0, 0); !v.IsUnstamped() {
		f.Errorf("a record from before has version %v", v)
	}
	f.ok(f.Update(ctx, f.key(0), f.increment(0)))
	f.want(0, 1)
	f.ok(f.PutIf(ctx, f.key(1), f.value(1, 11), stores.Unstamped))
	f.point()
	v, err := f.PutIf(ctx, f.key(1), f.value(1, 12), stores.Unstamped)
	f.wantRefused(v, err, 1, dualwrite.ErrVersion)
	f.want(1, 11)
	f.put(2, 12)
	if err := f.Delete(ctx, f.key(3)); err != nil {
		f.Fatal(err)
	}
	v, err = f.Create(ctx, f.key(4), f.value(4, 14))
	f.wantRefused(v, err, 4, dualwrite.ErrExists)
	f.point()
	for key, value := range map[int]int{0: 1, 1: 11, 2: 12, 4: 4, 5: 5} {
		f.want(key, value)
	}
	f.wantNone(3)
}
