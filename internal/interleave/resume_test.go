package interleave

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// visits is a run whose explorations only note which scenario it was.
type visits struct {
	*exploration
	what string

	mu    sync.Mutex
	names []string
	said  []string
}

// theKey is what the runs in these tests are of.
var theKey = journalKey{Binary: "b", Table: "pairs", Seed: 1, Cut: 5}

// fifty stands for a table: the first scenarios of one.
type fifty struct{ *Table }

func (fifty) Len() int { return 50 }

var someTable = fifty{Sequences()}

// visiting opens the journal in dir. wrong is a scenario with a violation, "" for none.
func visiting(t *testing.T, dir string, key journalKey, wrong string) *visits {
	t.Helper()
	v := &visits{}
	var err error
	if v.exploration, v.what, err = newExploration(dir, key, someTable); err != nil {
		t.Fatal(err)
	}
	v.saveEvery = 0
	v.say = func(line string) { v.said = append(v.said, line) }
	v.explore = func(s *Scenario) (Report, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.names = append(v.names, s.Name())
		rep := Report{Schedules: 10, States: 7, Judged: 5, Indeterminate: 1, Complete: len(s.Name())%2 == 0}
		if s.Name() == wrong {
			rep.Violation = &Violation{Scenario: wrong, Err: errors.New("planted")}
		}
		return rep, nil
	}
	return v
}

func always() bool { return true }

// times lets a run hand out so many scenarios.
func times(n int) func() bool {
	return func() bool { n--; return n >= 0 }
}

// sum is what has to be the same whether a run was interrupted or not.
func (v *visits) sum() counts { return v.journal.counts }

// TestResume: runs that go on visit each scenario once and come to the same as one that was not interrupted.
func TestResume(t *testing.T) {
	whole := visiting(t, "", theKey, "")
	if err := whole.run(always); err != nil || !whole.journal.done() {
		t.Fatalf("%v: %v", whole.journal, err)
	}
	dir := t.TempDir()
	var names []string
	for i := range 3 {
		v := visiting(t, dir, theKey, "")
		if want := [...]string{"begins", "goes on after", "goes on after"}[i]; !strings.Contains(v.what, want) {
			t.Errorf("run %d: %q, want something with %q", i, v.what, want)
		}
		if err := v.run([]func() bool{times(13), times(20), always}[i]); err != nil {
			t.Fatal(err)
		}
		names = append(names, v.names...)
	}
	last := visiting(t, dir, theKey, "")
	if diff := cmp.Diff(whole.sum(), last.sum()); diff != "" || last.what != "finished" || whole.sum().Schedules != 500 {
		t.Errorf("%q: %v\n%s", last.what, last.journal, diff)
	}
	slices.Sort(names)
	want := slices.Sorted(slices.Values(whole.names))
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// TestResumeAfterKill: whatever moment a run is killed at, the next one goes on without a gap.
func TestResumeAfterKill(t *testing.T) {
	dir := t.TempDir()
	v := visiting(t, dir, theKey, "")
	explore := v.explore
	var journals [][]byte // what is there when the run is killed then
	v.explore = func(s *Scenario) (Report, error) {
		text, err := os.ReadFile(filepath.Join(dir, "pairs.json"))
		v.mu.Lock()
		if err == nil && len(v.names)%7 == 0 {
			journals = append(journals, text)
		}
		v.mu.Unlock()
		return explore(s)
	}
	if err := v.run(always); err != nil || len(v.names) != v.journal.Of || len(journals) == 0 {
		t.Fatalf("%d of %d scenarios, %d journals on the way, %v", len(v.names), v.journal.Of, len(journals), err)
	}
	for _, text := range journals {
		checkGoesOn(t, text, v.rows)
	}
}

// checkGoesOn resumes from a journal.
func checkGoesOn(t *testing.T, text []byte, rows []int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pairs.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	again := visiting(t, dir, theKey, "")
	next := again.journal.Next
	if err := again.run(always); err != nil || again.sum().Schedules != 10*len(rows) || !again.journal.done() {
		t.Errorf("after %d: %v, %v", next, again.journal, err)
	}
	want := map[string]int{}
	for _, row := range rows[next:] {
		want[someTable.At(row).Name()]++
	}
	got := map[string]int{}
	for _, name := range again.names {
		got[name]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after %d: %s", next, diff)
	}
}

// TestLaterOnesWait: what a journal counts as done is done, whichever scenario ended first.
func TestLaterOnesWait(t *testing.T) {
	v, waiting := visiting(t, "", theKey, ""), map[int]Report{}
	for _, step := range []struct{ index, next int }{{2, 0}, {1, 0}, {0, 3}, {4, 3}, {3, 5}} {
		err := v.note(explored{index: step.index, report: Report{Schedules: 1}}, waiting)
		if err != nil || v.journal.Next != step.next || v.journal.Schedules != step.next {
			t.Errorf("after %d: %v, %v; want %d", step.index, v.journal, err, step.next)
		}
	}
}

// TestOtherKeyBeginsAgain: counts of other code are no counts of this.
func TestOtherKeyBeginsAgain(t *testing.T) {
	for name, change := range map[string]func(k *journalKey){
		"code":   func(k *journalKey) { k.Binary = "c" },
		"seed":   func(k *journalKey) { k.Seed = 2 },
		"limits": func(k *journalKey) { k.Cut = 6 },
	} {
		dir := t.TempDir()
		if err := visiting(t, dir, theKey, "").run(times(10)); err != nil {
			t.Fatal(err)
		}
		key := theKey
		change(&key)
		v := visiting(t, dir, key, "")
		if !strings.Contains(v.what, "begins again") || v.journal.Next != 0 || v.sum() != (counts{}) {
			t.Errorf("%s: %q, %v", name, v.what, v.journal)
		}
		if err := v.run(always); err != nil || len(v.names) != 50 {
			t.Errorf("%s: %d scenarios, %v", name, len(v.names), err)
		}
	}
}

// TestViolationIsRepeatedFirst: it ends the run, and the next one does not go on before it is gone.
func TestViolationIsRepeatedFirst(t *testing.T) {
	dir := t.TempDir()
	wrong := someTable.At(visiting(t, "", theKey, "").rows[20]).Name()
	first := visiting(t, dir, theKey, wrong)
	var violation *Violation
	if err := first.run(always); !errors.As(err, &violation) || first.journal.Next > 20 || len(first.names) > 21+4*runtime.GOMAXPROCS(0) {
		t.Fatalf("%v, %v", first.journal, err)
	}
	fixed := theKey
	fixed.Binary = "c"
	for _, key := range []journalKey{theKey, fixed} {
		again := visiting(t, dir, key, wrong)
		if err := again.run(always); !errors.As(err, &violation) || !slices.Equal(again.names, []string{wrong}) {
			t.Fatalf("%v: %v is visited, %v", again.journal, again.names, err)
		}
	}
	after := visiting(t, dir, fixed, "")
	if err := after.run(always); err != nil || !after.journal.done() || len(after.names) != 51 || after.names[0] != wrong {
		t.Errorf("%v: %d visited, %v first, %v", after.journal, len(after.names), after.names[0], err)
	}
	if !strings.Contains(strings.Join(after.said, "\n"), "not there any more") {
		t.Errorf("said: %q", after.said)
	}
}

// TestJournalIsNeverTorn: whenever it is read, it is whole.
func TestJournalIsNeverTorn(t *testing.T) {
	j, _, err := openJournal(t.TempDir(), theKey, 1000, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.save(time.Now()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			text, err := os.ReadFile(j.path)
			if err == nil {
				err = json.Unmarshal(text, &journal{})
			}
			if err != nil {
				t.Errorf("%d bytes: %v", len(text), err)
				return
			}
		}
	})
	for i := range 200 {
		j.Next = i
		j.Violation = &journalViolation{Text: strings.Repeat("x", 10_000*(i%2))}
		if err := j.save(time.Now()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	reader.Wait()
	files, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestForeignFileIsNoJournal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pairs.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openJournal(dir, theKey, 1, time.Now()); err == nil || !strings.Contains(err.Error(), "is no journal") {
		t.Error(err)
	}
}
