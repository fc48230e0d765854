package metamorphic

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// fleet is a service of instances that follow one flag.
type fleet struct {
	*testing.T
	flag     *flagtest.Provider
	client   flags.Client
	old, new store
}

// start starts an instance.
func (f *fleet) start() (*flags.OpenFeature, *repo) {
	f.Helper()
	source, err := flags.NewOpenFeature(f.Context(), f.client, "flag", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(source.Close)
	r, err := dualwrite.New(f.old, f.new, source, nil)
	if err != nil {
		f.Fatal(err)
	}
	return source, r
}

// flip sets the flag and lets it arrive; its events get lost.
func (f *fleet) flip(p flags.Phase) {
	f.flag.Set("flag", p.String())
	time.Sleep(2 * time.Second)
}

func (f *fleet) upsert(r *repo, key string) error {
	_, err := r.Upsert(f.Context(), key, func(d *doc, _ bool) error { d.N++; return nil })
	return err
}

func (f *fleet) get(r *repo, key string) int64 {
	f.Helper()
	d, err := r.Get(f.Context(), key)
	if err != nil {
		f.Errorf("%s: %v", key, err)
	}
	return d.N
}

// findings are what a pass has found, by key.
func (f *fleet) findings() map[string]copier.Kind {
	f.Helper()
	found := map[string]copier.Kind{}
	o := &copier.VerifyOptions[doc]{}
	o.OnFinding = func(x copier.Finding) error {
		found[stores.FormatKey(x.Key)] = x.Kind
		return nil
	}
	if _, err := copier.Verify(f.Context(), f.old, f.new, o); err != nil {
		f.Fatal(err)
	}
	return found
}

// The page "undo a slip of the flag" of README, step by step: the flag jumps to new-only, an instance restarts into it, and
// starts records anew that it does not find there.
func TestUndoOfASlip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{T: t, flag: flagtest.NewProvider(nil)}
		for _, s := range []*store{&f.old, &f.new} {
			m, err := memstore.New[string, doc](stores.StringKeys[string](), nil)
			if err != nil {
				t.Fatal(err)
			}
			*s = m
		}
		f.client = flagtest.NewClient(t, f.flag)
		f.flag.DropEvents(true)
		f.flag.Set("flag", "old-only")
		_, a := f.start()
		for range 10 {
			if err := errors.Join(f.upsert(a, "both"), f.upsert(a, "old")); err != nil {
				t.Fatal(err)
			}
		}

		f.flip(flags.NewOnly) // the slip
		lost, b := f.start()  // and a restart
		if err := f.upsert(a, "both"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := errors.Join(f.upsert(b, "both"), f.upsert(b, "new"), f.upsert(b, "old")); err != nil {
			t.Fatal(err)
		}
		if n := f.get(a, "both"); n != 11 {
			t.Errorf("the instance that holds the jump sees %d", n)
		}

		f.flip(flags.OldOnly) // 1. the flag is put back: a jump for the one that restarted, which soon writes no more
		time.Sleep(40 * time.Second)
		if err := f.upsert(b, "both"); !errors.Is(err, dualwrite.ErrPhaseUnknown) {
			t.Errorf("it goes on to write: %v", err)
		}
		if err := f.upsert(a, "old"); err != nil { // what old has got since is newer, so a copy brings it over
			t.Errorf("the others do not: %v", err)
		}
		lost.Close() // 2. it is restarted
		inOld, b := f.start()
		if s := inOld.Status(); s.Phase != flags.OldOnly || s.Held != 0 || s.Reason != "" { // 3. checked
			t.Errorf("%+v", s)
		}

		f.flip(flags.ReadOldWriteBoth) // 4. the next step of the migration, and what is to become of the rest
		if _, err := copier.Copy(t.Context(), f.old, f.new, nil); err != nil {
			t.Fatal(err)
		}
		found := f.findings()
		if len(found) != 2 || found[`"both"`] != copier.KindNewAhead || found[`"new"`] != copier.KindExtra {
			t.Errorf("found %v", found)
		}
		if _, err := b.Update(t.Context(), "both", func(*doc) error { return nil }); err != nil { // what old has survives
			t.Error(err)
		}
		kept, err := f.new.Get(t.Context(), "new") // what new has survives
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Put(t.Context(), "new", kept.Value); err != nil {
			t.Error(err)
		}
		if found := f.findings(); len(found) != 0 {
			t.Errorf("still found: %v", found)
		}
		f.flip(flags.ReadNewWriteBoth)
		f.flip(flags.NewOnly)
		for key, want := range map[string]int64{"both": 11, "old": 11, "new": 1} {
			if n := f.get(b, key); n != want {
				t.Errorf("in the end %s is %d, want %d", key, n, want)
			}
		}
	})
}
