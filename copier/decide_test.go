package copier

import (
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// at is stamp n in the tables; 0 is absent and -1 unstamped.
func at(n int) stores.Version {
	switch n {
	case 0:
		return stores.Absent
	case -1:
		return stores.Unstamped
	default:
		return stores.Stamp{15: byte(n)}.Version()
	}
}

func meta(version, prev int, kind string) stores.Meta {
	m := stores.Meta{Version: at(version), Prev: at(prev), Intent: kind == "intent", Deleted: kind == "deleted"}
	if version < 1 {
		m.Prev = stores.Unknown
	}
	return m
}

// The whole table: what is the matter, and what each policy does about it. Steps are "": nothing, "-": left alone,
// "new"/"old": a write there.
func TestDecisions(t *testing.T) {
	t.Parallel()
	absent, plain := meta(0, 0, ""), meta(-1, 0, "")
	for name, tc := range map[string]struct {
		old, new  stores.Meta
		different bool // the contents
		kind      Kind
		copy      string
		steps     [4]string // nothing allowed; OldWritable; OldWins; OldWritable and NewWins
		cond      stores.Condition
	}{
		"nothing at all":       {old: absent, new: absent},
		"same":                 {old: meta(3, 2, ""), new: meta(3, 2, "")},
		"same, other base":     {old: meta(3, 2, ""), new: meta(3, 1, "")},
		"same, intent":         {old: meta(3, 2, "intent"), new: meta(3, 2, "")},
		"same legacy":          {old: plain, new: plain},
		"same tombstone":       {old: meta(3, 2, "deleted"), new: meta(3, 2, "deleted"), different: true},
		"new tombstone":        {old: absent, new: meta(3, 2, "deleted"), different: true},
		"missing":              {old: meta(3, 0, ""), new: absent, kind: KindMissing, copy: "new", steps: each("new"), cond: stores.IfOlder(at(3))},
		"missing legacy":       {old: plain, new: absent, kind: KindMissing, copy: "new", steps: each("new"), cond: stores.IfOlder(at(-1))},
		"missing tombstone":    {old: meta(3, 2, "deleted"), new: absent, kind: KindMissing, copy: "new", steps: each("new"), cond: stores.IfOlder(at(3))},
		"stale":                {old: meta(3, 2, ""), new: meta(1, 0, ""), kind: KindStale, copy: "new", steps: each("new"), cond: stores.IfOlder(at(3))},
		"stale, blind":         {old: stores.Meta{Version: at(3)}, new: meta(1, 0, ""), kind: KindStale, copy: "new", steps: each("new"), cond: stores.IfOlder(at(3))},
		"stale legacy":         {old: meta(3, -1, ""), new: plain, kind: KindStale, copy: "new", steps: each("new"), cond: stores.IfOlder(at(3))},
		"open intent":          {old: meta(3, 2, "intent"), new: meta(2, 1, ""), kind: KindStale, copy: "new", steps: each("new"), cond: stores.IfStamp(at(2))},
		"open create":          {old: meta(3, 0, "intent"), new: absent, kind: KindMissing, copy: "new", steps: each("new"), cond: stores.IfStamp(at(0))},
		"open over legacy":     {old: meta(3, -1, "intent"), new: plain, kind: KindStale, copy: "new", steps: each("new"), cond: stores.IfStamp(at(-1))},
		"dead":                 {old: meta(4, 1, "intent"), new: meta(2, 1, ""), kind: KindDeadIntent, steps: [4]string{"-", "old", "-", "old"}, cond: stores.IfStamp(at(4))},
		"dead create":          {old: meta(4, 0, "intent"), new: meta(2, 0, ""), kind: KindDeadIntent, steps: [4]string{"-", "old", "-", "old"}, cond: stores.IfStamp(at(4))},
		"dead, legacy on new":  {old: meta(4, 0, "intent"), new: plain, kind: KindDeadIntent, steps: each("-")},
		"lost":                 {old: meta(4, 3, "intent"), new: meta(2, 1, ""), kind: KindLost, copy: "-", steps: [4]string{"-", "-", "new", "old"}},
		"lost all":             {old: meta(4, 3, "intent"), new: absent, kind: KindLost, copy: "-", steps: [4]string{"-", "-", "new", "-"}},
		"lost, unknown base":   {old: stores.Meta{Version: at(4), Intent: true}, new: meta(2, 1, ""), kind: KindLost, copy: "-", steps: [4]string{"-", "-", "new", "old"}},
		"new ahead":            {old: meta(2, 1, ""), new: meta(3, 2, ""), kind: KindNewAhead, steps: [4]string{"-", "old", "-", "old"}, cond: stores.IfStamp(at(2))},
		"new ahead of intent":  {old: meta(2, 1, "intent"), new: meta(3, 1, ""), kind: KindNewAhead, steps: [4]string{"-", "old", "-", "old"}, cond: stores.IfStamp(at(2))},
		"new ahead of legacy":  {old: plain, new: meta(3, -1, "deleted"), kind: KindNewAhead, steps: [4]string{"-", "old", "-", "old"}, cond: stores.IfStamp(at(-1))},
		"foreign":              {old: meta(3, 2, ""), new: meta(3, 2, ""), different: true, kind: KindForeign, steps: [4]string{"-", "-", "new", "old"}, cond: stores.IfStamp(at(3))},
		"foreign tombstone":    {old: meta(3, 2, ""), new: meta(3, 2, "deleted"), kind: KindForeign, steps: [4]string{"-", "-", "new", "old"}, cond: stores.IfStamp(at(3))},
		"foreign legacy":       {old: plain, new: plain, different: true, kind: KindForeign, steps: each("-")},
		"extra, stamped":       {old: absent, new: meta(3, 0, ""), kind: KindExtra, steps: [4]string{"-", "old", "new", "old"}},
		"extra, not stamped":   {old: absent, new: plain, kind: KindExtra, steps: [4]string{"-", "-", "new", "old"}},
		"what only has a base": {old: meta(3, 2, "deleted"), new: meta(2, 1, ""), kind: KindStale, copy: "new", steps: each("new"), cond: stores.IfOlder(at(3))},
	} {
		kind := classify(tc.old, tc.new, func() bool { return !tc.different })
		if kind != tc.kind {
			t.Errorf("%s: %q, want %q", name, kind, tc.kind)
			continue
		}
		old, new := stores.Record[int]{Meta: tc.old, Value: 1}, stores.Record[int]{Meta: tc.new, Value: 2}
		if got := show(planCopy(old, new)); got != tc.copy {
			t.Errorf("%s: copy does %q, want %q", name, got, tc.copy)
		}
		for i, p := range []policy{{}, {oldWritable: true}, {winner: OldWins}, {oldWritable: true, winner: NewWins}} {
			p.next = func(...stores.Version) (stores.Version, error) { return at(99), nil }
			s := planRepair(kind, old, new, p)
			if got := show(s); got != tc.steps[i] {
				t.Errorf("%s, policy %d: %q, want %q", name, i, got, tc.steps[i])
			}
			if s.kind != tc.kind || s.place == "" && s.kind != "" && s.why == nil && s.kind != KindLost {
				t.Errorf("%s, policy %d: found %q because of %v", name, i, s.kind, s.why)
			}
			checkStep(t, name, s, tc.cond, old, new)
		}
	}
}

func each(s string) [4]string { return [4]string{s, s, s, s} }

func show(s step[int]) string {
	switch {
	case s.nothing():
		return ""
	case s.place == "":
		return "-"
	default:
		return s.place
	}
}

// checkStep looks at the write itself: valid, on the condition that is wanted, holding for what was read, carrying the
// record of the other side and never an intent.
func checkStep(t *testing.T, name string, s step[int], cond stores.Condition, old, new stores.Record[int]) {
	t.Helper()
	if s.place == "" {
		return
	}
	w := stores.Write[string, int]{Key: "k", Record: s.rec, If: s.cond}
	if err := w.Validate(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if cond.Kind != 0 && s.cond != cond {
		t.Errorf("%s: on %v, want %v", name, s.cond, cond)
	}
	from, to := old, new
	if s.place == placeOld {
		from, to = new, old
	}
	if !s.cond.Holds(to.Version) {
		t.Errorf("%s: %v does not hold for %v", name, s.cond, to.Version)
	}
	if s.rec.Intent {
		t.Errorf("%s: writes an intent", name)
	}
	if from.Version.IsAbsent() {
		if !s.rec.Deleted || s.rec.Version != at(99) || s.rec.Prev != to.Version {
			t.Errorf("%s: writes %+v", name, s.rec)
		}
	} else if s.rec != from.Final() {
		t.Errorf("%s: writes %+v", name, s.rec)
	}
}

func TestAStampThatCanNotBeMadeIsReported(t *testing.T) {
	t.Parallel()
	p := policy{winner: OldWins, next: func(...stores.Version) (stores.Version, error) { return stores.Unknown, stores.ErrClockAhead }}
	s := planRepair(KindExtra, stores.Record[int]{Meta: meta(0, 0, "")}, stores.Record[int]{Meta: meta(3, 0, "")}, p)
	if s.place != "" || !errors.Is(s.why, stores.ErrClockAhead) {
		t.Errorf("%+v", s)
	}
}
