package copier_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
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

// What gets lost keeps a copy from being clean, also when all is there already, unless it is accepted by name.
func TestLossIsNotClean(t *testing.T) {
	t.Parallel()
	old, to := &metaStore{mem: newMem(t), theirs: map[string][]string{keyOf(4): {"legacy.crm"}, keyOf(5): {"legacy.crm", "nick"}}}, newUpper(t)
	fill(t, old, 100)
	o := &copier.CopyOptions[user]{}
	for range 3 { // the third one asks for the metadata first
		r, err := copier.Copy(t.Context(), old, to, o)
		if err != nil || r.Changed != 90 || r.ChangedFields["Name"].Records != 90 || len(r.ChangedFields) != 1 {
			t.Fatal(r, err)
		}
		if e := r.ChangedFields["Name"].Examples; len(e) != 3 || e[0].Before == e[0].After || strings.ToUpper(e[0].Before) != e[0].After {
			t.Errorf("examples are %+v", e)
		}
		want := []string{"legacy.crm of 2 records", "nick of 1 records", "Name of 90 records"}
		if why := r.Reasons(); r.Clean() || !sameStarts(why, want) {
			t.Errorf("the reasons are %q, want %q", why, want)
		}
	}
	for _, accept := range []struct{ names, want []string }{
		{[]string{"Name"}, []string{"legacy.crm", "nick"}},
		{[]string{"nick", "legacy"}, []string{"legacy.crm", "Name"}},
		{[]string{"nick", "legacy.crm", "Name", "nobody"}, nil},
	} {
		o.AcceptLoss = accept.names
		r, err := copier.Copy(t.Context(), old, to, o)
		if err != nil || !sameStarts(r.Reasons(), accept.want) || r.Clean() != (accept.want == nil) || r.Changed != 90 {
			t.Errorf("accepting %q: %q, %v", accept.names, r.Reasons(), err)
		}
	}
}

func sameStarts(lines, starts []string) bool {
	return slices.EqualFunc(lines, starts, strings.HasPrefix)
}

// newUpper is a place that keeps names in capitals.
func newUpper(t *testing.T) *mem {
	t.Helper()
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[user]{
		Clone: func(u user) user { return user{Name: strings.ToUpper(u.Name), N: u.N} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Many fields make few reasons, and what is beyond the hundredth can be accepted too.
func TestManyLosses(t *testing.T) {
	t.Parallel()
	old := &metaStore{mem: newMem(t), theirs: map[string][]string{}}
	fill(t, old, 150)
	var all []string
	for i := range 150 {
		old.theirs[keyOf(i)] = []string{fmt.Sprintf("visit-%03d", i)}
		all = append(all, old.theirs[keyOf(i)]...)
	}
	for _, c := range []struct {
		accept  []string
		reasons int
	}{
		{nil, 11}, {all, 0}, {all[:149], 1}, {append([]string{copier.OtherFields}, all[:100]...), 0}, {all[:100], 1},
	} {
		r, err := copier.Copy(t.Context(), old, newMem(t), &copier.CopyOptions[user]{AcceptLoss: c.accept, PassOptions: copier.PassOptions{Workers: 1}})
		if err != nil || len(r.Reasons()) != c.reasons {
			t.Errorf("%d accepted: %q, %v", len(c.accept), r.Reasons(), err)
		}
	}
}

// CopyAndVerify says what its copy has lost: in the verdict, after one verify pass, and after a kill that left nothing but the
// checkpoint. It accepts what the present call accepts.
func TestLossSurvivesAKill(t *testing.T) {
	t.Parallel()
	old := &metaStore{mem: newMem(t), theirs: map[string][]string{keyOf(4): {"legacy_crm"}}}
	fill(t, old, 500)
	to := &metaStore{mem: newUpper(t)}
	cp := &memoryCheckpoint{}
	o := &copier.CopyAndVerifyOptions[user]{
		PassOptions: copier.PassOptions{Batch: 20, Workers: 1}, Resume: copier.Resume{Checkpoint: cp, Job: "j", CheckpointEvery: 1},
		Grace: 1, AcceptLoss: []string{"Name"},
	}
	copied, verified, err := copier.CopyAndVerify(t.Context(), old, to, o)
	want := []string{"legacy_crm of 1 records"}
	if err != nil || copied.Clean() || !sameStarts(copied.Reasons(), want) || !sameStarts(verified.Reasons(), want) || len(verified.Earlier) != 0 {
		t.Fatalf("%q, %q after %d passes, %v", copied.Reasons(), verified.Reasons(), len(verified.Earlier)+1, err)
	}
	for name, since := range map[string]time.Time{"resumed": copied.Started.Add(-time.Hour), "begun anew": {}} {
		o.MirroringSince = since
		for i, saved := range cp.saved {
			killed := *o
			killed.Checkpoint = &memoryCheckpoint{saved: [][]byte{saved}}
			copied, verified, err := copier.CopyAndVerify(t.Context(), old, to, &killed)
			if err != nil || copied.Unmapped["legacy_crm"].Records != 1 || copied.Changed != 450 || !slices.Contains(copied.LossAccepted, "Name") ||
				!sameStarts(verified.Reasons(), want) {
				t.Fatalf("%s from checkpoint %d of %d: copied %v, verified %q, %v", name, i, len(cp.saved), copied.Unmapped, verified.Reasons(), err)
			}
			if i != len(cp.saved)/2 && i != len(cp.saved)-2 {
				continue
			}
			killed.Checkpoint = &memoryCheckpoint{saved: [][]byte{saved}}
			killed.AcceptLoss = []string{"Name", "legacy_crm"}
			if copied, verified, err := copier.CopyAndVerify(t.Context(), old, to, &killed); err != nil || !verified.Clean() || copied.Unmapped == nil {
				t.Errorf("%s from checkpoint %d, all accepted: %q, %v", name, i, verified.Reasons(), err)
			}
		}
	}
}

// Two places that do not hold a value alike show it to a reader as another one after a flip: verify says of which fields.
func TestVerifyNamesWhatIsOnlyEqualAfterARoundTrip(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]bool{"old rounds": false, "new rounds": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var old, to stores.Store[string, user] = newUpper(t), newMem(t)
			if swap {
				old, to = to, old
			}
			clock := newClock(t)
			for i := range 5 {
				r := record(next(t, clock), stores.Absent, fmt.Sprint("anna ", i))
				force(t, old, keyOf(i), r)
				force(t, to, keyOf(i), r)
			}
			for _, accept := range [][]string{nil, {"Name"}} {
				r, err := copier.Verify(t.Context(), old, to, &copier.VerifyOptions[user]{Grace: 1, AcceptLoss: accept})
				if err != nil || r.Same != 5 || r.Changed != 5 || r.ChangedFields["Name"].Records != 5 || r.Clean() != (accept != nil) {
					t.Fatalf("%v %q, %v", r, r.Reasons(), err)
				}
				e := r.ChangedFields["Name"].Examples[0]
				if before, after := `"ANNA 0"`, `"anna 0"`; swap && (e.Before != after || e.After != before) || !swap && (e.Before != before || e.After != after) {
					t.Errorf("%+v", e)
				}
			}
			equal := func(a, b user) bool { return strings.EqualFold(a.Name, b.Name) }
			if r, err := copier.Verify(t.Context(), old, to, &copier.VerifyOptions[user]{Grace: 1, Equal: equal}); err != nil || !r.Clean() || r.Changed != 0 {
				t.Errorf("with an Equal: %q, %v", r.Reasons(), err)
			}
		})
	}
}
