package dualwrite_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// Only so many blocked keys are remembered: those that were blocked last, in that order. A key that comes into step makes room.
func TestBlockedKeysAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	full := storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("full"))}
	r.new.fault.SetRules(storefault.Always(full, storefault.OpPut))
	var want []string
	block := func(i int) {
		_, err := r.Put(t.Context(), keyText(i), account{})
		if !errors.Is(err, dualwrite.ErrIndeterminate) && !errors.Is(err, dualwrite.ErrBlocked) {
			t.Fatal(err)
		}
		text := stores.FormatKey([]byte(keyText(i)))
		want = slices.DeleteFunc(want, func(key string) bool { return key == text })
		want = append(want, text)
		want = want[max(0, len(want)-100):]
	}
	check := func() {
		t.Helper()
		var got []string
		for _, b := range r.Status().Blocked {
			got = append(got, b.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("blocked are %v, want %v", got, want)
		}
	}
	for i := range 150 {
		block(i)
	}
	check()
	for _, again := range []int{50, 99, 149, 3} { // the eldest that is remembered, others, and one that was forgotten
		block(again)
	}
	check()
	r.new.fault.SetRules()
	if _, err := r.Get(t.Context(), keyText(120)); err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(key string) bool { return key == stores.FormatKey([]byte(keyText(120))) })
	r.new.fault.SetRules(storefault.Always(full, storefault.OpPut))
	block(151)
	check()
}

// overBlocked is a repository in read-new/write-both over stores that do nothing, in which one key is blocked.
func overBlocked(tb testing.TB) *dualwrite.Repository[string, account] {
	r, _, new := over(tb, flags.ReadNewWriteBoth, false)
	new.refuses = stores.Permanent(errors.New("full"))
	if err := r.Delete(tb.Context(), "blocked"); !errors.Is(err, dualwrite.ErrIndeterminate) {
		tb.Fatal(err)
	}
	new.refuses = nil
	if n := len(r.Status().Blocked); n != 1 {
		tb.Fatalf("%d keys are blocked", n)
	}
	return r
}

// A read of another key costs no allocation more while a key is blocked.
func TestHealthyReadsBesideABlockedKey(t *testing.T) {
	healthy, _, _ := over(t, flags.ReadNewWriteBoth, false)
	allocs := func(r *dualwrite.Repository[string, account]) float64 {
		return testing.AllocsPerRun(1000, func() {
			if _, err := r.Get(context.Background(), "k"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if without, with := allocs(healthy), allocs(overBlocked(t)); with > without {
		t.Errorf("a read allocates %v times beside a blocked key, %v times without", with, without)
	}
}

// BenchmarkBlocked is what blocked keys cost: a healthy read beside none and one, and an operation that blocks one of so many keys.
func BenchmarkBlocked(b *testing.B) {
	get := func(b *testing.B, r *dualwrite.Repository[string, account]) {
		for b.Loop() {
			if _, err := r.Get(context.Background(), "k"); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("read, none blocked", func(b *testing.B) {
		r, _, _ := over(b, flags.ReadNewWriteBoth, false)
		get(b, r)
	})
	b.Run("read, one blocked", func(b *testing.B) { get(b, overBlocked(b)) })
	for _, keys := range []int{50, 500} {
		b.Run("blocking one of "+strconv.Itoa(keys), func(b *testing.B) {
			r, _, new := over(b, flags.ReadNewWriteBoth, false)
			new.refuses = stores.Permanent(errors.New("full"))
			for i := 0; b.Loop(); i++ {
				if err := r.Delete(context.Background(), keyText(i%keys)); !errors.Is(err, dualwrite.ErrIndeterminate) {
					b.Fatal(err)
				}
			}
		})
	}
}
