package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

type (
	forward = stores.Forward[string, doc]
	entries = iter.Seq2[entry, error]
	hidden  struct{} // a field in the place of a method
)

// full is a store with every capability.
type full struct{ *mem }

func (s full) ScanMeta(ctx context.Context, seg stores.Segment, after []byte) entries {
	return s.Scan(ctx, seg, after)
}

func (s full) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) entries {
	return s.Scan(ctx, seg, after)
}

func (s full) GetMetas(ctx context.Context, keys []string) ([]stores.Result[doc], error) {
	return s.GetMany(ctx, keys)
}

func (s full) PutPair(ctx context.Context, mine write, other store, theirs write) error {
	o, ok := stores.As[full](other)
	if !ok {
		return errors.ErrUnsupported
	}
	return s.mem.PutPair(ctx, mine, o.mem, theirs)
}

func (s full) CheckContext(context.Context) error { return nil }

func (s full) SamePlace(other store) bool {
	o, ok := stores.As[full](other)
	return ok && o == s
}

// Wrappers that drop one capability each.
type (
	dropsUnwrap struct {
		forward
		Unwrap hidden
	}
	dropsGetMany struct {
		forward
		GetMany hidden
	}
	dropsScanMeta struct {
		forward
		ScanMeta hidden
	}
	dropsGetMetas struct {
		forward
		GetMetas hidden
	}
	dropsScanNoting struct {
		forward
		ScanNoting hidden
	}
	dropsPutMany struct {
		forward
		PutMany hidden
	}
	dropsSegments struct {
		forward
		Segments hidden
	}
	dropsBounds struct {
		forward
		Bounds hidden
	}
	dropsRange struct {
		forward
		Range hidden
	}
	dropsApproxCount struct {
		forward
		ApproxCount hidden
	}
	dropsPurge struct {
		forward
		Purge hidden
	}
	dropsPutPair struct {
		forward
		PutPair hidden
	}
	dropsSamePlace struct {
		forward
		SamePlace hidden
	}
	dropsCheck struct {
		forward
		Check hidden
	}
	dropsRoundTrip struct {
		forward
		RoundTrip hidden
	}
	dropsCheckContext struct {
		forward
		CheckContext hidden
	}
)

// denies has every capability, and says of each that it has none.
type denies struct{ forward }

// nothing is a store with the four methods alone, for a Forward that has nothing to forward to.
type nothing struct{ store }

// told is a test that fails without failing.
type told struct {
	testing.TB
	said []string
}

func (t *told) Errorf(format string, args ...any) {
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

// TestWrapperFindsWhatIsDropped: each capability is dropped once.
func TestWrapperFindsWhatIsDropped(t *testing.T) {
	t.Parallel()
	inner := full{openMem(t, nil)}
	f := forward{Store: inner}
	check := func(outer store) []string {
		tb := &told{TB: t}
		storetest.Wrapper[string, doc](tb, inner, outer, key(1), newDoc(1))
		return tb.said
	}
	// Two are looked for below wrappers, so that nothing is lost without them.
	for _, outer := range []store{f, dropsSamePlace{forward: f}, dropsCheckContext{forward: f}} {
		if said := check(outer); len(said) > 0 {
			t.Errorf("%T: %q", outer, said)
		}
	}
	for missing, outer := range map[string]store{
		"Unwrap": dropsUnwrap{forward: f}, "stores.BatchReader": dropsGetMany{forward: f}, "stores.ExactScanner": dropsScanNoting{forward: f},
		"stores.BatchWriter": dropsPutMany{forward: f}, "stores.Segmenter": dropsSegments{forward: f}, "stores.Counter": dropsApproxCount{forward: f},
		"stores.Purger": dropsPurge{forward: f}, "stores.PairWriter": dropsPutPair{forward: f},
		"stores.Checker": dropsCheck{forward: f}, "stores.RoundTripper": dropsRoundTrip{forward: f},
		"stores.MetaReader": dropsScanMeta{forward: f}, "stores.MetaReader,": dropsGetMetas{forward: f}, "stores.KeyOrdered": dropsBounds{forward: f}, "stores.KeyOrdered,": dropsRange{forward: f},
	} {
		more := 0
		if missing == "Unwrap" {
			more = 2 // nobody finds the place and the other half of a pair through it
		}
		if said := check(outer); len(said) != 1+more || !strings.Contains(said[0], strings.Trim(missing, ",")) {
			t.Errorf("%T: %q", outer, said)
		}
	}
	if said := check(denies{forward{Store: nothing{inner}}}); len(said) < 11 {
		t.Errorf("a wrapper that denies all: %d, %q", len(said), said)
	}
}
