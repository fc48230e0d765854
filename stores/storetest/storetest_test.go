package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// brokenEnv names the broken store that a child process runs the kit on.
const brokenEnv = "STORETEST_BROKEN"

type doc struct {
	Name string
	Tags []string
}

func key(i int) string { return fmt.Sprintf("key %d", i) }
func newDoc(i int) doc { return doc{Name: fmt.Sprint("doc ", i), Tags: []string{"a"}} }
func mutate(d *doc)    { d.Tags[0] = "mutated" }

func openMem(tb testing.TB, o *memstore.Options[doc]) *mem {
	tb.Helper()
	s, err := memstore.New(stores.StringKeys[string](), o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// brokenStore is a store with one fault, the subtests that have to fail for it, and those that may.
type brokenStore struct {
	open   func(*mem) store
	config func(*storetest.Config[string, doc])
	fails  []string
	may    []string
	says   string
}

// brokenAlone are those whose single writes, reads or scans are broken.
var brokenAlone = map[string]brokenStore{
	"check then put": {open: broken(checkThenPut), fails: []string{"concurrency/compare_and_set_adds_up"}, may: []string{"metadata/noted", "concurrency"}},
	"unstamped is newest": {open: broken(unstampedIsNewest), fails: []string{
		"large/every_condition_in_one_batch",
		"conditions/table/IfOlder_stamp/unstamped", "conditions/table/IfAtMost_stamp/unstamped", "tombstones/of_a_record_from_before_the_SDK",
	}, may: []string{"metadata/noted", "conditions/table/IfAtMost_stamp_or_dead"}},
	"accepts equal": {open: broken(acceptsEqual), fails: []string{
		"large/every_condition_in_one_batch",
		"conditions/table/IfOlder_stamp/equal", "conditions/table/IfOlder_stamp/equal_tombstone",
		"conditions/table/IfOlder_stamp/equal_intent", "conditions/table/IfOlder_stamp/equal_intent_to_delete",
		"unknown-outcome/IfOlder/applied,_answer_lost",
	}, may: []string{"metadata/noted"}},
	"ignores dead": {open: broken(ignoresDead), fails: []string{
		"large/every_condition_in_one_batch",
		"conditions/table/IfAtMost_absent_or_dead_smaller/smaller", "conditions/table/IfAtMost_stamp_or_dead_greater/greater_intent",
		"unknown-outcome/IfAtMost_orDead/applied,_answer_lost",
	}, may: []string{"conditions/table/IfAtMost", "unknown-outcome/IfAtMost_orDead", "validation/invalid_writes/dead_that_is_no_stamp"}},
	"drops tombstones": {open: broken(dropsTombstones), fails: []string{
		"large/every_condition_in_one_batch", "scan/body_purges",
		"tombstones/of_a_record", "tombstones/of_a_record_from_before_the_SDK", "tombstones/of_nothing",
	}, may: []string{"conditions/table", "metadata", "batches/read", "cancellation", "purge"}},
	"forgets absent prev": {open: broken(forgetsAbsentPrev), fails: []string{
		"large/every_condition_in_one_batch",
		"metadata/round_trip/prev_absent_intent_false_deleted_false",
	}, may: []string{"metadata/round_trip/prev_absent", "conditions/table", "batches/one_refused_among_many", "purge/purged_is_absent"}},
	"notes itself": {open: broken(notesItself), fails: []string{"metadata/noted/noted_over_nothing", "metadata/noted/noted_over_a_record"}, may: []string{"metadata/noted"}},
	"forgets intent": {open: broken(forgetsIntent), fails: []string{
		"large/every_condition_in_one_batch",
		"metadata/round_trip/prev_unknown_intent_true_deleted_false",
	}, may: []string{"metadata/round_trip", "conditions/table", "batches/one_refused_among_many", "validation/invalid_writes/unstamped_intent"}},
	"guesses refusals": {open: broken(guessesRefusal), fails: []string{
		"large/every_condition_in_one_batch",
		"conditions/table/IfStamp_stamp/greater_intent", "metadata/round_trip/prev_absent_intent_false_deleted_false", "unknown-outcome/IfStamp/applied,_answer_lost",
	}, may: []string{"metadata/noted", "conditions/table", "metadata/round_trip", "unknown-outcome", "tombstones", "batches"}},
	"stale refusals": {open: newStaleRefusals, fails: []string{
		"large/every_condition_in_one_batch",
		"conditions/table/IfStamp_stamp/greater", "batches/write", "concurrency/the_greatest_stamp_wins",
	}, may: []string{"metadata/noted", "conditions/table", "metadata/round_trip", "unknown-outcome", "tombstones", "batches", "concurrency"}},
	"swallows invalid": {open: broken(swallowsInvalid), fails: []string{
		"validation/invalid_writes/no_condition", "batches/write",
	}, may: []string{"validation/invalid_writes"}},
	"ignores the context": {open: broken(ignoresContext), fails: []string{"cancellation/cancelled", "cancellation/past_its_deadline"}},
	"missing is empty": {open: func(s *mem) store { return missingIsEmpty{s} }, fails: []string{"get/absent"}, may: []string{
		"validation", "conditions/table", "purge", "pair",
	}},
	"resumes at the key": {open: brokenScan(resumesAtTheKey), fails: []string{
		"scan/resume_after_each_key", "segments/resume", "aliasing/scan_position", "key_order/order_of_keys",
	}},
	"hides tombstones": {open: brokenScan(hidesTombstones), fails: []string{
		"scan/body_purges",
		"tombstones/of_a_record", "tombstones/of_a_record_from_before_the_SDK", "tombstones/of_nothing",
	}, may: []string{"metadata/round_trip", "purge"}},
	"drops undecodable": {open: brokenScan(dropsUndecodable), config: withCorrupt, fails: []string{"scan/undecodable_record"}},
	"ends quietly":      {open: brokenScan(endsQuietly), fails: []string{"cancellation/during_a_scan", "close/during_a_scan"}},
	"one page only": {open: brokenScan(onePageOnly), fails: []string{"scan/body_writes_ahead", "scan/body_purges", "large/records", "scan/everything_once", "scan/body_writes_to_the_store"}, may: []string{
		"segments", "metadata", "key_order",
	}},
	// On a busy machine anything may take longer than the short timeout.
	"locked scans": {open: func(s *mem) store { return lockedScans{s, new(sync.Mutex)} }, config: shortTimeout, fails: []string{
		"scan/body_writes_to_the_store", "scan/body_scans_the_store",
	}, may: []string{""}},
	"loose metas":     {open: func(s *mem) store { return looseMetas{s} }, fails: []string{"metadata_only/without_values"}},
	"notes only live": {open: func(s *mem) store { return notesOnlyLive{s} }, fails: []string{"noting_scan/same_as_a_scan"}},
	"names its own":   {open: func(s *mem) store { return namesItsOwn{s} }, fails: []string{"noting_scan/same_as_a_scan"}},
	"names nothing":   {config: withField, fails: []string{"noting_scan/names_what_is_lost"}},
	"names what was":  {open: newFielded(remembers), config: withField, fails: []string{"noting_scan/names_what_is_lost"}},
	"names the dead":  {open: newFielded(ofTheDead), config: withField, fails: []string{"noting_scan/names_what_is_lost"}},
	"wrong extras": {open: func(s *mem) store { return wrongExtras{s} }, fails: []string{
		"validation/check", "validation/round_trip", "validation/approximate_count",
	}},
	"closed segments": {open: func(s *mem) store { return closedSegments{s} }, fails: []string{"segments/1", "segments/2", "segments/3", "segments/8"}},
	"closed ranges":   {open: func(s *mem) store { return closedRanges{s} }, fails: []string{"key_order/order_of_keys"}},
	"shuffled":        {open: func(s *mem) store { return shuffled{s} }, fails: []string{"key_order/order_of_keys"}, may: []string{"segments"}},
	"hopeful batches": {open: func(s *mem) store { return hopefulBatches{s} }, fails: []string{
		"large/every_condition_in_one_batch",
		"batches/write", "batches/one_refused_among_many",
	}, may: []string{"concurrency"}},
	"unordered reads": {open: func(s *mem) store { return unorderedReads{s} }, fails: []string{"large/records", "large/every_condition_in_one_batch", "batches/read"}},
	"blind purge":     {open: func(s *mem) store { return blindPurge{s} }, fails: []string{"purge/outcomes"}},
	"torn pairs": {open: func(s *mem) store { return tornPairs{s} }, config: withPair, fails: []string{
		"pair/outcomes/first_refused", "pair/outcomes/second_refused", "pair/outcomes/first_invalid", "pair/outcomes/second_invalid",
	}, may: []string{"pair/"}},
	"drops a capability": {open: func(s *mem) store { return dropsGetMany{forward: forward{Store: s}} }, fails: []string{"wrapper/has_all_capabilities"}},
	"reopens":            {open: func(s *mem) store { return reopens{s} }, fails: []string{"close/later_calls"}},
	"closes once":        {open: func(s *mem) store { return closesOnce{s, new(atomic.Bool)} }, fails: []string{"close/later_calls"}, may: []string{"close/during_a_scan"}},
	"shares values": {open: func(*mem) store {
		s, _ := memstore.New(stores.StringKeys[string](), &memstore.Options[doc]{Clone: sharesValues})
		return s
	}, fails: []string{
		"aliasing/value_after_put", "aliasing/value_after_put_many", "aliasing/value_from_get", "aliasing/value_from_get_many",
		"aliasing/value_from_scan", "aliasing/value_from_round_trip",
	}},
	"config: same values": {config: func(c *storetest.Config[string, doc]) {
		c.Value = func(int) doc { return newDoc(1) }
	}, says: "Value(1) is to equal Value(1) and not Value(2)"},
	"config: idle mutate": {config: func(c *storetest.Config[string, doc]) {
		c.Mutate = func(d *doc) { d.Tags = nil }
	}, says: "leaves the original as it was"},
	"config: values that share": {config: func(c *storetest.Config[string, doc]) {
		tags := []string{"a"}
		c.Value = func(i int) doc { return doc{Name: fmt.Sprint("doc ", i), Tags: tags} }
	}, says: "two results of Value share memory"},
	"config: nothing":    {config: func(c *storetest.Config[string, doc]) { c.Open = nil }, says: "are required"},
	"config: one writer": {config: func(c *storetest.Config[string, doc]) { c.Writers = 1 }, says: "1 writers"},
	"forgets everything": {config: func(c *storetest.Config[string, doc]) { c.Reopen = emptied }, fails: []string{"durability/reopen"}},
}

func withCorrupt(c *storetest.Config[string, doc]) {
	c.Open = func(tb testing.TB) store {
		return scansWith{openMem(tb, &damageable), dropsUndecodable}
	}
	c.Corrupt = damage
}

func withPair(c *storetest.Config[string, doc]) {
	open := c.Open
	c.OpenPair = func(tb testing.TB) (a, b store) { return open(tb), open(tb) }
}

func shortTimeout(c *storetest.Config[string, doc]) { c.Timeout = 5 * time.Second }

// damageable is a codec that can store what it can not read again.
var damageable = memstore.Options[doc]{
	Encode: func(d doc) ([]byte, error) { return []byte(d.Name), nil },
	Decode: func(b []byte) (doc, error) {
		if string(b) == "damaged" {
			return doc{}, errors.New("damaged")
		}
		return doc{Name: string(b), Tags: []string{"a"}}, nil
	},
}

// damage rewrites the record in place, under the version that it has.
func damage(tb testing.TB, s store, key string) {
	r, err := s.Get(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	r.Value.Name = "damaged"
	if err := s.Put(tb.Context(), write{Key: key, Record: r, If: stores.IfStamp(r.Version)}); err != nil {
		tb.Fatal(err)
	}
}

// TestBroken runs the kit on each broken store, in a process of its own because its tests are to fail, and looks which
// ones did.
func TestBroken(t *testing.T) {
	if name := os.Getenv(brokenEnv); name != "" {
		runBroken(t, name)
		return
	}
	t.Parallel()
	for name, b := range brokenStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, out := failedSubtests(t, name)
			if !strings.Contains(out, b.says) {
				t.Errorf("the output does not say %q:\n%s", b.says, out)
			}
			for _, want := range b.fails {
				if !slices.Contains(failed, want) {
					t.Errorf("%s passed; failed: %q", want, failed)
				}
			}
			for _, got := range failed {
				if !slices.Contains(b.fails, got) && !slices.ContainsFunc(b.may, func(p string) bool { return strings.HasPrefix(got, p) }) {
					t.Errorf("%s failed, which has nothing to do with it", got)
				}
			}
		})
	}
}

func runBroken(t *testing.T, name string) {
	b, ok := brokenStores[name]
	if !ok {
		t.Skipf("no broken store %q", name)
	}
	cfg := config(func(tb testing.TB) store {
		if b.open == nil {
			return openMem(tb, nil)
		}
		return b.open(openMem(tb, nil))
	})
	cfg.Rounds, cfg.Timeout = 50, 2*time.Minute // some broken stores keep writers from ever coming to an end
	if b.config != nil {
		b.config(&cfg)
	}
	storetest.Run(t, cfg)
}

var failLine = regexp.MustCompile(`(?m)^ *--- FAIL: TestBroken/(\S+)`)

// failedSubtests are the failed ones that have no failed subtests themselves.
func failedSubtests(t *testing.T, name string) (failed []string, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 11*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestBroken$", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), brokenEnv+"="+name)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the kit found nothing wrong: %v\n%s", err, out)
	}
	var names []string
	for _, m := range failLine.FindAllSubmatch(out, -1) {
		names = append(names, string(m[1]))
	}
	if !strings.Contains(string(out), "--- FAIL: TestBroken") || strings.Contains(string(out), "panic:") {
		t.Fatalf("no result:\n%s", out)
	}
	failed = slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return slices.ContainsFunc(names, func(m string) bool { return strings.HasPrefix(m, n+"/") })
	})
	return failed, string(out)
}

// bare has no optional capability.
type bare struct{ store }

// TestBareStore runs the kit on a store with the four required methods alone: the fallbacks conform too.
func TestBareStore(t *testing.T) {
	t.Parallel()
	cfg := config(func(tb testing.TB) store { return bare{openMem(tb, &damageable)} })
	cfg.Corrupt = damage
	storetest.Run(t, cfg)
}

// TestReopen runs the kit on a store that survives being closed.
func TestReopen(t *testing.T) {
	t.Parallel()
	cfg := config(func(tb testing.TB) store { return bare{openMem(tb, nil)} })
	cfg.Reopen = func(_ testing.TB, s store) store { return bare{s.(bare).store} }
	storetest.Run(t, cfg)
}
