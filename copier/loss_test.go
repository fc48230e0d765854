package copier_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
)

// What a copy reports is what this copy has met: not what was there when an earlier one ran, nor what another one meets at the
// same time.
func TestLossesAreOfOneCopy(t *testing.T) {
	t.Parallel()
	old := &metaStore{mem: newMem(t), theirs: map[string][]string{keyOf(3): {"gone"}, keyOf(4): {"legacy", "gone"}}}
	fill(t, old, 100)
	first, err := copier.Copy(t.Context(), old, newMem(t), nil)
	if err != nil || first.Unmapped["gone"].Records != 2 || first.Unmapped["legacy"].Records != 1 || len(first.Unmapped) != 2 {
		t.Fatal(first.Unmapped, err)
	}
	if e := first.Unmapped["legacy"].Examples; len(e) != 1 || string(e[0].Key) != keyOf(4) || e[0].Shown != stores.FormatKey([]byte(keyOf(4))) {
		t.Errorf("examples are %+v", e)
	}
	old.theirs = map[string][]string{keyOf(4): {"legacy"}}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if r, err := copier.Copy(t.Context(), old, newMem(t), nil); err != nil || r.Unmapped["legacy"].Records != 1 || len(r.Unmapped) != 1 {
				t.Errorf("%v, %v", r.Unmapped, err)
			}
		})
	}
	wg.Wait()
}

// Fields may be named after data: a hundred are told apart, and each has a few examples. All records count.
func TestLossesAreBounded(t *testing.T) {
	t.Parallel()
	old := &metaStore{mem: newMem(t), theirs: map[string][]string{}}
	fill(t, old, 150)
	for i := range 150 {
		old.theirs[keyOf(i)] = []string{"all", fmt.Sprint("visit-", i, "-a"), fmt.Sprint("visit-", i, "-b")}
	}
	r, err := copier.Copy(t.Context(), old, newMem(t), &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: 7}})
	if err != nil || len(r.Unmapped) != 101 || len(r.Unmapped["all"].Examples) != 3 || r.Unmapped["all"].Records != 150 {
		t.Fatal(len(r.Unmapped), r.Unmapped["all"], err)
	}
	if other := r.Unmapped[copier.OtherFields]; other.Records != 101 {
		t.Errorf("%d records have other fields", other.Records)
	}
}
