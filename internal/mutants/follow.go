package main

const source = "./flags"

// follow breaks how an instance follows the flag.
var follow = []mutant{
	{
		name: "a flag that is off is a cut", hazard: "the guard against jumps switches itself off",
		edits: []edit{{"flags/status.go", "if !r.lost && r.doubt == nil {", "if r.err == nil && r.doubt == nil {"}},
		pkg:   source, run: "TestAFlagWithoutAPhaseIsNoCut",
	},
	{
		name: "a hold has no end", hazard: "an instance writes for ever where nobody reads",
		edits: []edit{{"flags/status.go", "now.Sub(s.HeldSince) >= o.StaleAfter", "now.Sub(s.HeldSince) < 0"}},
		pkg:   source, run: "TestAHoldThatIsTooOldRefusesWrites",
	},
	{
		name: "a hold that moves begins anew", hazard: "an instance writes for ever where nobody reads",
		edits: []edit{{"flags/status.go", "if s.Held == 0 {", "if s.Held != p {"}},
		pkg:   source, run: "TestAHoldThatMovesRefusesWrites",
	},
	{
		name: "a held jump is followed after a cut", hazard: "an outage of the flag service lets a slip through",
		edits: []edit{{"flags/status.go", "s.cut && p != s.Held", "s.cut"}},
		pkg:   source, run: "TestAHeldJumpSurvivesACut",
	},
	{
		name: "nobody watches an evaluation", hazard: "a provider that hangs is invisible",
		edits: []edit{{"flags/loop.go", "!now.Before(l.overdue())", "false"}},
		pkg:   source, run: "TestAnEvaluationThatHangsIsSeen",
	},
	{
		name: "an event during an evaluation is forgotten", hazard: "the last flip of a burst does not arrive",
		edits: []edit{{"flags/loop.go", "\tl.running = false\n\tbefore", "\tl.running, l.asked = false, false\n\tbefore"}},
		pkg:   source, run: "TestAnEventDuringAnEvaluationCausesAnother",
	},
	{
		name: "the gate is asked before the write counts", hazard: "a write begins after writes were seen to have ended",
		edits: []edit{
			{"dualwrite/inflight.go", "\tf.count[p][a].Add(1)\n", "\tif a == writing && gate != nil {\n\t\tif err := gate.WritesRefused(); err != nil {\n\t\t\treturn 0, err\n\t\t}\n\t}\n\tf.count[p][a].Add(1)\n"},
			{"dualwrite/inflight.go", "if err == nil && a == writing && gate != nil {", "if false {"},
		},
		pkg: repository, run: "TestTheGateIsAskedOfAWriteThatCounts",
	},
	{
		name: "writes drain with reads", hazard: "a freeze is never over, as somebody reads",
		edits: []edit{{"dualwrite/write.go", "phase: phase, as: writing, ctx", "phase: phase, as: reading, ctx"}, {"dualwrite/write.go", "r.enter(ctx, writing)", "r.enter(ctx, reading)"}},
		pkg:   repository, run: "TestDrainedWritesUnderReaders",
	},
}
