package dualwritetest

import (
	"errors"

	"github.com/dualwrite/dualwrite/dualwrite"
)

// errorsOf checks that each error has one identity and names operation, key and cause in words.
func errorsOf[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	identities := []error{
		dualwrite.ErrNotFound, dualwrite.ErrExists, dualwrite.ErrVersion, dualwrite.ErrConflict, dualwrite.ErrIndeterminate,
		dualwrite.ErrBlocked, dualwrite.ErrMirrorMissed, dualwrite.ErrPhaseUnknown, dualwrite.ErrClosed,
	}
	mine := errors.New("mine")
	stale := f.put(0, 1)
	f.put(0, 2)
	f.point()
	_, get := f.Get(ctx, f.key(1))
	_, created := f.Create(ctx, f.key(0), f.value(0, 3))
	_, updated := f.Update(ctx, f.key(1), f.increment(1))
	_, refused := f.Update(ctx, f.key(0), func(*V) error { return mine })
	_, upserted := f.Upsert(ctx, f.key(0), func(*V, bool) error { return mine })
	_, put := f.PutIf(ctx, f.key(0), f.value(0, 3), stale)
	deleted := f.DeleteIf(ctx, f.key(0), stale)
	for _, c := range []struct {
		op   string
		key  int
		err  error
		want error
	}{
		{"get", 1, get, dualwrite.ErrNotFound},
		{"create", 0, created, dualwrite.ErrExists},
		{"update", 1, updated, dualwrite.ErrNotFound},
		{"update", 0, refused, mine},
		{"upsert", 0, upserted, mine},
		{"put if", 0, put, dualwrite.ErrVersion},
		{"delete if", 0, deleted, dualwrite.ErrVersion},
	} {
		f.wantErr(c.err, c.key, c.want)
		var e *dualwrite.Error
		if errors.As(c.err, &e) && e.Op != c.op {
			f.Errorf("the error of %s says it was %s", c.op, e.Op)
		}
		for _, id := range identities {
			if !errors.Is(c.want, id) && errors.Is(c.err, id) {
				f.Errorf("the error of %s is %q beside %q", c.op, id, c.want)
			}
		}
	}
}
