package outage

import (
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// Check compares the outcomes of a batch of writes with what is stored, which it reads past the outage. Of one key a later
// write has a greater version.
func Check[K, V any](t *testing.T, direct stores.Store[K, V], writes []stores.Write[K, V], errs []error) {
	t.Helper()
	keys := make([]K, len(writes))
	for i, w := range writes {
		keys[i] = w.Key
	}
	res, err := stores.GetMany(t.Context(), direct, keys)
	if err != nil {
		t.Fatal(err)
	}
	var count outcomes
	for i, w := range writes {
		outcome, stored := stores.OutcomeOf(errs[i])
		if outcome == stores.OutcomeRefused && stored.Shows(w.Record.Version) {
			outcome = stores.OutcomeApplied // refused by its own first try, of which the driver did not hear
		}
		count[outcome]++
		version := res[i].Record.Version
		there := version.Same(w.Record.Version) || version.Newer(w.Record.Version)
		if no := outcome != stores.OutcomeApplied && outcome != stores.OutcomeUnknown; outcome == stores.OutcomeApplied && !there || no && version.Same(w.Record.Version) {
			t.Errorf("%v at %v: outcome %v (%v), stored is %v", w.Key, w.Record.Version, outcome, errs[i], version)
		}
	}
	count.log(t)
}

// outcomes counts by stores.Outcome.
type outcomes [5]int

func (o outcomes) log(t *testing.T) {
	t.Helper()
	t.Logf("unknown, applied, refused, rejected, failed: %v", o)
}
