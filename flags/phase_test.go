package flags_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/flags"
)

// The texts are the values of users' flags: they never change.
func TestPhaseTexts(t *testing.T) {
	t.Parallel()
	want := []string{"old-only", "read-old/write-both", "read-new/write-both", "new-only"}
	var got []string
	for _, p := range flags.Phases() {
		got = append(got, p.String())
		if back, err := flags.ParsePhase(p.String()); err != nil || back != p {
			t.Errorf("ParsePhase(%q) = %v, %v", p, back, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	named := []string{flags.OldOnly.String(), flags.ReadOldWriteBoth.String(), flags.ReadNewWriteBoth.String(), flags.NewOnly.String()}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Error(diff)
	}
}

func TestParsePhaseIsToTheLetter(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "unknown", "Old-Only", "old-only ", "old_only", "off", "read-old", "dualwrite: no phase"} {
		if p, err := flags.ParsePhase(s); err == nil || p != 0 {
			t.Errorf("ParsePhase(%q) = %v, %v", s, p, err)
		}
	}
}

func TestAdjacent(t *testing.T) {
	t.Parallel()
	all := append([]flags.Phase{0}, append(flags.Phases(), 5)...)
	for i, p := range all {
		for j, q := range all {
			want := p.Valid() && q.Valid() && (i-j) >= -1 && (i-j) <= 1
			if got := p.Adjacent(q); got != want {
				t.Errorf("%v.Adjacent(%v) = %v", p, q, got)
			}
		}
	}
}

func TestPhaseAsText(t *testing.T) {
	t.Parallel()
	type doc struct{ A, B flags.Phase }
	in := doc{A: flags.ReadNewWriteBoth}
	text, err := json.Marshal(in)
	if err != nil || string(text) != `{"A":"read-new/write-both","B":"unknown"}` {
		t.Fatalf("%s, %v", text, err)
	}
	var out doc
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"A":"half-way"}`), &out); err == nil {
		t.Error("an unknown text was taken for a phase")
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	for _, p := range flags.Phases() {
		if got, err := flags.Static(p).Phase(context.Background()); err != nil || got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	if _, err := flags.Static(0).Phase(context.Background()); !errors.Is(err, flags.ErrPhaseUnknown) {
		t.Errorf("%v", err)
	}
}
