package dualwrite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
)

func TestNewSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	r, err := dualwrite.New[string, account](nil, nil, nil, &dualwrite.Options{
		OperationTimeout: -1, MirrorTimeout: -1, Attempts: 1, MaxClockAhead: -1, BatchConcurrency: -1,
	})
	if err == nil || r != nil {
		t.Fatalf("%v, %v", r, err)
	}
	for _, want := range []string{
		"OperationTimeout", "MirrorTimeout", "Attempts", "MaxClockAhead", "BatchConcurrency", "two stores", "flags.Source",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
	_, err = dualwrite.New[string, account](newPlace(t), newPlace(t), flags.Static(phaseO), &dualwrite.Options{
		OperationTimeout: time.Second, MirrorTimeout: time.Minute,
	})
	if err == nil || !strings.Contains(err.Error(), "MirrorTimeout (1m0s) is longer than OperationTimeout (1s)") {
		t.Errorf("%v", err)
	}
}

// An operation timeout shorter than the default mirror timeout is no mistake of the caller's.
func TestDefaultsFitTogether(t *testing.T) {
	t.Parallel()
	for _, o := range []*dualwrite.Options{nil, {}, {OperationTimeout: time.Millisecond}, {MirrorTimeout: 2 * time.Second}} {
		if _, err := dualwrite.New[string, account](newPlace(t), newPlace(t), flags.Static(phaseO), o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Two repositories made of the same options are two writers.
func TestRepositoriesDoNotShareAWriter(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseO, nil)
	writers := map[uint64]bool{}
	for range 3 {
		v, err := r.instance(r.phase).Put(t.Context(), "k", account{})
		if err != nil {
			t.Fatal(err)
		}
		s, _ := v.Stamp()
		writers[s.Writer()] = true
	}
	if len(writers) != 3 {
		t.Errorf("%d writer ids for 3 repositories", len(writers))
	}
}
