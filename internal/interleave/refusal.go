package interleave

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

// Values that new refuses permanently, as a validator, a unique index or the key of an index would. They are those with
// an exclamation mark; an update of one is another one.

// bad tells the kinds that write a value that new refuses.
func (k Kind) bad() bool { return strings.HasSuffix(string(k), badMark) }

// plain is what a kind does, whatever new says about it.
func (k Kind) plain() Kind { return Kind(strings.TrimSuffix(string(k), badMark)) }

const badMark = "!"

// errRefused is what new answers to them.
var errRefused = errors.New("new refuses such values")

// refuses answers for new, if it is new that refuses a write for good. A condition that does not hold comes first, as it does
// in MongoDB: it tells more.
func (r *run) refuses(c *call) error {
	onNew := c.put
	if c.with != nil {
		onNew = c.with
	}
	if onNew == nil || c.place == oldPlace || r.mended || !strings.Contains(onNew.Record.Value, badMark) || !onNew.If.Holds(r.held(newPlace).Version) {
		return nil
	}
	r.refused = true
	err := stores.Permanent(errRefused)
	if c.with == nil {
		return err
	}
	pair := &stores.PairError{Second: err}
	if old := r.held(oldPlace); !c.put.If.Holds(old.Version) {
		pair.First = &stores.ConditionError{Stored: old.Meta}
	}
	return pair
}

// mayFail tells whether an operation may answer that it had no effect because new refuses a value. A blind write of
// a value that new takes may not: it gets out of what blocks the record.
func (r *run) mayFail(o *op) bool {
	switch {
	case errors.Is(o.out.err, dualwrite.ErrBlocked):
		return r.refused && !o.kind.blind()
	case errors.Is(o.out.err, stores.ErrPermanent):
		return r.refused && o.kind.bad()
	default:
		return false
	}
}

// refusal tells whether the scenario is about values that new refuses.
func (s *Scenario) refusal() bool {
	return s.Start.Old != nil && strings.Contains(s.Start.Old.Value, badMark) ||
		slices.ContainsFunc(s.Actors, func(a Actor) bool { return slices.ContainsFunc(a.Program, Kind.bad) })
}

// blind tells the kinds that do not depend on what is there.
func (k Kind) blind() bool { return k.plain() == Put || k.plain() == Delete }

// getOut ends what blocks the record: a put in each phase of the window, or a repair for which new wins. After that nothing
// may be blocked any more.
func (j *judge) getOut(h *history) error {
	if !h.run.refused && !strings.Contains(h.run.held(oldPlace).Value, badMark) {
		return nil
	}
	h.unblocked = true
	for _, p := range h.run.window() {
		if err := h.then(p, &op{kind: Put, id: "y" + short(p)}); err != nil {
			return fmt.Errorf("a put does not get out of it: %w", err)
		}
	}
	return j.readAll(h)
}

// startsRefused are there when new refuses a value for good: an intent in read-new/write-both, or a mirror that was missed.
var startsRefused = []Start{
	{Name: "intent refused", Old: &Stored{Version: 2, Prev: 1, Value: "i!", Intent: true}, New: stampedS, Value: "s", Pending: "i!"},
	{Name: "intent on absent refused", Old: &Stored{Version: 1, Prev: onAbsent, Value: "i!", Intent: true}, Pending: "i!"},
	{Name: "intent on unstamped refused", Old: &Stored{Version: 1, Prev: 0, Value: "i!", Intent: true}, New: unstamped, Value: "s", Pending: "i!"},
	{Name: "put refused", Old: &Stored{Version: 2, Prev: noPrev, Value: "m!"}, New: stampedS, Value: "m!"},
	{Name: "update refused", Old: &Stored{Version: 2, Prev: 1, Value: "s+m!"}, New: stampedS, Value: "s+m!"},
	{Name: "copy refused", Old: &Stored{Version: 0, Prev: noPrev, Value: "s!"}, Value: "s!"},
}

// refusals are the states that a window may find in which new may refuse something, or soon will.
func refusals(w window) (list []Start) {
	if slices.Max(w) <= phaseB {
		list = append(list, startsRefused...)
	} else {
		list = append(list, startsRefused[:2]...) // what a clean verify leaves behind, and an intent since
	}
	for _, s := range starts(w) {
		if s.Name == "absent" || s.Name == "stamped both" {
			list = append(list, s)
		}
	}
	return list
}

// Refusals are two actors beside a new place that refuses what one of them writes, or what is on old already: reads, writes that
// depend on what is there and such that do not, copies and repairs, written in pairs or not.
func Refusals() *Table {
	t := &Table{Name: "refusals", actors: actorsOf(0, 0)}
	t.programs = [][][]Kind{
		{{PutBad}, {UpdateBad}, {Put}, {Delete}},
		{{Put}, {Delete}, {Update}, {PutIf}, {Create}, {Scan}, {PutBad}, {Get, Get}, {Get, Put}, {Get, Update}, {Delete, Create}},
	}
	for _, w := range []window{{phaseA, phaseB}, {phaseB, phaseA}, {phaseB, phaseB}, {phaseB, phaseN}, {phaseN, phaseB}, {phaseA, phaseA}} {
		for _, s := range refusals(w) {
			for _, b := range besides(w, &s) {
				if len(b.kinds) > 1 || slices.ContainsFunc(b.kinds, func(k Kind) bool { return k == VerifyRepair || k == VerifyBoth }) {
					continue // three times as many calls, for the same repair
				}
				for _, p := range pairings(w) {
					t.settings = append(t.settings, setting{w, s, b, p})
				}
			}
		}
	}
	return t
}

// WhenRefused are scenarios of values that new refuses, each for what must not become of them.
func WhenRefused() (list []Named) {
	for _, n := range []struct {
		name, hazard string
		mends        bool
		*Scenario
	}{
		{"taken back", "an intent that a reader in read-old/write-both has seen is taken back", false,
			from("stamped both", by(phaseB, PutBad), by(phaseA, Get, Get))},
		{"seen and overwritten", "a value that was refused is seen, overwritten and written again", false,
			from("stamped both", by(phaseB, PutBad), by(phaseB, Put), by(phaseA, Get, Get))},
		{"seen twice", "the write that gets out of a refusal is seen, and applied again", true,
			from("intent refused", by(phaseB, Put), by(phaseA, Get, Get), by(phaseB, Get))},
		{"completed late", "what new refused is completed after all, and the write over it is applied twice", true,
			from("intent refused", by(phaseB, Put), by(phaseB, Get), by(phaseA, Get))},
		{"beside new-only", "the write that gets out of a refusal overwrites one of new-only that was built on it", false,
			from("intent refused", by(phaseB, Put), by(phaseN, Get, Update))},
		{"completed late, beside new-only", "the write that gets out of a refusal is applied twice", true,
			from("intent refused", by(phaseB, Put), by(phaseB, Get), by(phaseN, Get, Update))},
		{"updates wait", "an update builds on what new holds, past what was seen on old", false,
			from("intent refused", by(phaseB, Update), by(phaseA, Get))},
		{"two at once", "two writes get out of a refusal, and one is lost", false,
			from("intent refused", by(phaseB, Put), by(phaseB, Delete), by(phaseA, Update))},
		{"in new alone", "what is under way beside it builds on what is not there any more", false,
			from("intent refused", by(phaseB, Put), by(phaseB, Update), by(phaseN, Put))},
		{"repaired", "a repair for which new wins destroys what was written beside it", false,
			from("intent refused", by(phaseB, Put), by(phaseN, Update), helper(RepairNew))},
		{"repaired, on nothing", "a repair for which new wins destroys what was created beside it", false,
			newScenario(startsRefused[1], skewStart, []Actor{by(phaseN, Create), helper(RepairNew)})},
		{"repaired, on unstamped", "a repair for which new wins destroys an update beside it", false,
			newScenario(startsRefused[2], skewStart, []Actor{by(phaseN, Update), helper(RepairNew)})},
		{"repaired and completed", "what was refused is completed after all, beside a repair for which new wins", true,
			from("intent refused", by(phaseB, Get), by(phaseB, Update), helper(RepairNew))},
	} {
		n.Mends = n.mends
		list = append(list, Named{n.name, n.hazard, all, n.Scenario})
	}
	return list
}
