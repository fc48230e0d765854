package interleave

// The tables. Each is the full product of its columns; no scenario is written by hand.

// single are programs of one operation.
var single = [][]Kind{{Get}, {Put}, {Create}, {Update}, {Delete}, {PutIf}, {Refuse}}

// reading are the other ways to read.
var reading = [][]Kind{{GetMany}, {Scan}}

// writing are programs of one write that a crash may leave behind.
var writing = [][]Kind{{Put}, {Create}, {Update}, {Delete}}

// double are programs of two, of which the second knows or depends on what the first saw or did.
var double = [][]Kind{{Get, Get}, {Get, Put}, {Get, Update}, {Get, PutIf}, {Get, DeleteIf}, {Put, Get}, {Update, Update}, {Delete, Create}}

// Tables are all scenarios that can be found by name.
func Tables() []*Table {
	return []*Table{Pairs(), Sequences(), Windows(), Handovers(), Triples(), Refusals()}
}

// neighbours are all windows of two actors, the earlier phase first; with reversed also the other way round.
func neighbours(reversed bool) (list []window) {
	for p := phaseO; p <= phaseN; p++ {
		if reversed && p > phaseO {
			list = append(list, window{p, p - 1})
		}
		list = append(list, window{p, p})
		if p < phaseN {
			list = append(list, window{p, p + 1})
		}
	}
	return list
}

// Pairs are two actors with one operation each, in every window of two neighbouring phases, from every state that such a
// window may find, alone or beside helpers, each writing in pairs or not.
func Pairs() *Table {
	t := &Table{Name: "pairs", twins: true}
	programs := append(append([][]Kind{}, single...), reading...)
	t.programs = [][][]Kind{programs, programs}
	for _, w := range neighbours(false) {
		states := starts(w)
		if w.String() == "AA" {
			states = append(states, startForeign)
		}
		for _, s := range states {
			for _, b := range besides(w, &s) {
				for _, p := range pairings(w) {
					t.settings = append(t.settings, setting{w, s, b, p})
				}
			}
		}
	}
	t.actors = actorsOf(0, 0)
	return t
}

// Sequences are an actor with one write and another that does two things in a row, both ways round.
func Sequences() *Table {
	t := &Table{Name: "sequences", programs: [][][]Kind{single[1:6], double}, actors: actorsOf(0, 0)}
	for _, w := range neighbours(true) {
		for _, s := range starts(w) {
			for _, p := range pairings(w) {
				t.settings = append(t.settings, setting{w, s, alone, p})
			}
		}
	}
	return t
}

// Windows are a write in one window, which a fault may leave in flight, and a pair of operations in the next window.
func Windows() *Table {
	t := &Table{Name: "windows", programs: [][][]Kind{writing, single, single}, actors: actorsOf(0, 1, 1)}
	for _, w := range []window{
		{phaseO, phaseA, phaseA}, {phaseA, phaseA, phaseB}, {phaseA, phaseB, phaseB}, {phaseB, phaseB, phaseN}, {phaseB, phaseN, phaseN},
	} {
		for _, s := range inBoth(starts(w[:2]), starts(w[1:])) {
			for _, p := range pairings(w[:2]) {
				t.settings = append(t.settings, setting{w, s, alone, p})
			}
		}
	}
	return t
}

// Handovers are the way to new-only: a write while read-old/write-both may be in use, which a fault may leave unfinished;
// then, when everybody is in read-new/write-both, a write or nothing beside a verify; and if that comes out clean, an
// operation in new-only beside a write in read-new/write-both. The helper of a handover is the verify, which is always there.
func Handovers() *Table {
	some := [][]Kind{{Put}, {Update}, {Delete}}
	t := &Table{Name: "handovers", programs: [][][]Kind{writing, append([][]Kind{{Nothing}}, some...), some, {{Get}, {Update}, {Create}}}}
	for _, w := range []window{{phaseA, phaseB, phaseB, phaseN}, {phaseB, phaseB, phaseB, phaseN}} {
		for _, s := range starts(window{phaseA, phaseB}) {
			for _, b := range []beside{{"verify", []Kind{Verify}}, {"verify, repairing", []Kind{VerifyBoth}}} {
				for _, p := range pairings(w[:2]) {
					t.settings = append(t.settings, setting{w, s, b, p})
				}
			}
		}
	}
	t.actors, t.stage = handover, 2
	return t
}

// handover needs the verify to be the last actor.
func handover(c *setting, k skew, programs [][]Kind) []Actor {
	actors := actorsOf(0, 2, 3, 3)(c, k, programs) // by stage 2 nothing of stage 0 is in flight any more
	verify := len(actors) + 1
	actors[2].Needs, actors[3].Needs = verify, verify
	return actors
}

// Triples are three actors with one operation each.
func Triples() *Table {
	t := &Table{Name: "triples", programs: [][][]Kind{single, single, single}, actors: actorsOf(0, 0, 0)}
	for _, w := range neighbours(false) {
		for third := w[1]; third <= min(w[0]+1, phaseN); third++ {
			w := window{w[0], w[1], third}
			for _, s := range starts(w) {
				for _, p := range pairings(w) {
					t.settings = append(t.settings, setting{w, s, alone, p})
				}
			}
		}
	}
	return t
}

// actorsOf puts one actor for each program into the phases of the window, each in its stage.
func actorsOf(stages ...int) func(*setting, skew, [][]Kind) []Actor {
	return func(c *setting, k skew, programs [][]Kind) (actors []Actor) {
		for i, p := range programs {
			actors = append(actors, Actor{Phase: c.window[i], Program: p, Stage: stages[i]})
		}
		actors[0].Skew = k.first
		actors[0].Paired, actors[1].Paired = c.pairs.first, c.pairs.second
		return actors
	}
}
