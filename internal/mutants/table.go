package main

import "slices"

// The packages whose tests notice.
const (
	interleaving = "./internal/interleave"
	contract     = "./stores"
	repository   = "./dualwrite"
)

// mutants are all of them: first one for each line of "What broke" in the protocol, in its order.
var mutants = slices.Concat(whatBroke, others, pairs, follow, explored, refusedValues, oneRecord, survivors, values)

var whatBroke = []mutant{
	{
		name: "blind puts in read-new/write-both", hazard: "applied twice: seen, built upon, applied again",
		edits: []edit{
			{"dualwrite/intent.go", "\t\trec.Prev = base.Version\n", "\t\tif !c.blind() {\n\t\t\trec.Prev = base.Version\n\t\t}\n"},
			{
				"dualwrite/intent.go", "cond := stores.IfAtMost(rec.Prev, dead)",
				"cond := stores.IfAtMost(rec.Prev, dead)\n\tif rec.Prev.IsUnknown() {\n\t\tcond = stores.IfOlder(rec.Version)\n\t\tintent.Intent = false\n\t}",
			},
			{"dualwrite/intent.go", "If: stores.IfStamp(intent.Prev)}", "If: stores.IfOlder(intent.Version)}"},
			{
				"dualwrite/intent.go", "committed, err = o.commit(rec, stores.IfStamp(rec.Prev))",
				"ifNew := stores.IfStamp(rec.Prev)\n\tif rec.Prev.IsUnknown() {\n\t\tifNew = stores.IfOlder(rec.Version)\n\t}\n\tcommitted, err = o.commit(rec, ifNew)",
			},
			{
				"dualwrite/intent.go", "if res.stored.Prev.Same(rec.Prev) {",
				"if res.stored.Prev.Same(rec.Prev) || rec.Prev.IsUnknown() {",
			},
		},
		pkg: interleaving, run: "TestWhatBroke/blind_put",
	},
	{
		name: "no strict reads", hazard: "a reader goes back in time",
		edits: []edit{{"dualwrite/route.go", "intent: true, strict: true", "intent: true"}},
		pkg:   interleaving, run: "TestWhatBroke/strict_read",
	},
	{
		name: "copy if absent", hazard: "copy with insert-if-absent: what a mirror missed stays behind",
		edits: []edit{{"copier/decide.go", "return toNew(KindStale, old, stores.IfOlder(old.Version))", "return toNew(KindStale, old, stores.IfStamp(stores.Absent))"}},
		pkg:   interleaving, run: "TestWhatBroke/copy_if_absent",
	},
	{
		name: "no tombstones", hazard: "a deleted record comes back",
		edits: []edit{{"stores/resolve.go", "case !old.Version.Newer(new.Version):", "case !old.Version.Newer(new.Version), old.Deleted:"}},
		pkg:   interleaving, run: "TestWhatBroke/tombstones",
	},
	{
		name: "own authority first", hazard: "each phase writing its own authority first: the stores end different for ever",
		edits: []edit{{
			"dualwrite/intent.go", "\tannounced, met, err := o.announce(rec, dead)\n\tif err != nil || !announced {\n\t\treturn false, met, err\n\t}\n\tcommitted, err = o.commit(rec, stores.IfStamp(rec.Prev))\n",
			"\tcommitted, err = o.commit(rec, stores.IfStamp(rec.Prev))\n\tif committed {\n\t\to.detach(o.r.opts.OperationTimeout)\n" +
				"\t\to.put(&o.r.old, rec, stores.IfOlder(rec.Version), true, false)\n\t}\n\t_ = o.announce\n",
		}},
		pkg: interleaving, run: "TestWhatBroke/order_of_places",
	},
	{
		name: "completing without comparing prev", hazard: "a helper overwrites a newer new-only write",
		edits: []edit{
			{"stores/resolve.go", "case new.Version.Same(old.Prev):", "case new.Version.Same(old.Prev), new.Version.Newer(old.Prev):"},
			{"dualwrite/resolve.go", "cond = stores.IfStamp(old.Prev)", "cond = stores.IfOlder(old.Version)"},
		},
		pkg: interleaving, run: "TestWhatBroke/complete_by_prev",
	},
	{
		name: "refused after unknown is lost", hazard: "double apply",
		edits: []edit{{"dualwrite/write.go", "case res.outcome == stores.OutcomeRefused && !res.doubt:", "case res.outcome == stores.OutcomeRefused:"}},
		pkg:   interleaving, run: "TestWhatBroke/refused_after_unknown",
	},
	{
		name: "unknown prev taken for absent", hazard: "an update of an absent record, completed and overwritten blindly, is applied twice",
		edits: []edit{{
			"dualwrite/intent.go", "if res.stored.Prev.Same(rec.Prev) {",
			"if res.stored.Prev.Same(rec.Prev) || res.stored.Prev.IsUnknown() && rec.Prev.IsAbsent() {",
		}},
		pkg: interleaving, run: "TestWhatBroke/unknown_is_not_absent",
	},
	{
		name: "verdict from an earlier read of new", hazard: "a strict reader goes back in time",
		edits: []edit{{
			"dualwrite/read.go", "\treturn o.resolve(old)\n",
			"\tswitch stores.Resolve(old.Meta, now.Meta) {\n\tcase stores.Dead:\n\t\treturn now, nil\n\tcase stores.Lost:\n\t\treturn now, o.block(old.Version, errNewLost)\n\t}\n\treturn o.resolve(old)\n",
		}},
		pkg: interleaving, run: "TestWhatBroke/fresh_verdict",
	},
	{
		name: "nothing written, nothing confirmed", hazard: "an outcome that writes nothing is taken from new alone: a stale answer",
		edits: []edit{{"dualwrite/intent.go", "\tif !old.Version.Newer(seen) {", "\tif true || !old.Version.Newer(seen) {"}},
		pkg:   interleaving, run: "TestWhatBroke/nothing_written",
	},
	{
		name: "dead because new has less", hazard: "a repair destroys an acknowledged record after new was wiped",
		edits: []edit{{"stores/resolve.go", "\tdefault:\n\t\treturn Lost\n", "\tdefault:\n\t\treturn Dead\n"}},
		pkg:   interleaving, run: "TestWhatBroke/(less|nothing)_is_not_dead",
	},
}

var others = []mutant{
	{
		name: "prev not written in read-new/write-both", hazard: "nobody can tell what an intent was based on",
		edits: []edit{
			{"dualwrite/intent.go", "\tannounced, met, err := o.announce(rec, dead)\n", "\tbased := rec.Prev\n\trec.Prev = stores.Unknown\n\tannounced, met, err := o.announce(rec, dead, based)\n"},
			{"dualwrite/intent.go", "announce(rec stores.Record[V], dead stores.Version)", "announce(rec stores.Record[V], dead, based stores.Version)"},
			{"dualwrite/intent.go", "cond := stores.IfAtMost(rec.Prev, dead)", "cond := stores.IfAtMost(based, dead)"},
			{"dualwrite/intent.go", "If: stores.IfStamp(intent.Prev)}", "If: stores.IfOlder(intent.Version)}"},
			{"dualwrite/intent.go", "\tcommitted, err = o.commit(rec, stores.IfStamp(rec.Prev))\n", "\tcommitted, err = o.commit(rec, stores.IfStamp(based))\n"},
		},
		pkg: interleaving, run: "TestWhatBroke",
	},
	{
		name: "prev not written by an update", hazard: "a write that was built upon can not be told from one that was lost",
		edits: []edit{{"dualwrite/write.go", "\trec.Prev = base.Version\n", ""}},
		pkg:   interleaving, run: "TestKnownOutcomes",
	},
	{
		name: "older means not newer", hazard: "the same write is applied twice, an equal version replaced",
		edits: []edit{{"stores/condition.go", "\tcase KindIfOlder:\n\t\treturn c.Version.Newer(stored)", "\tcase KindIfOlder:\n\t\treturn !stored.Newer(c.Version)"}},
		pkg:   contract, run: ".",
	},
	{
		name: "no stamp above new's", hazard: "a mirror that new refuses for ever leaves the places different",
		edits: []edit{{"dualwrite/write.go", "\t\tif err != nil || taken {\n", "\t\tif err != nil || taken || true {\n"}, {"dualwrite/write.go", "\t\thigher, taken, err := o.restamp(rec, res.stored.Version)\n", "\t\tvar higher stores.Record[V]\n\t\ttaken := true\n\t\t_ = o.restamp\n"}},
		pkg:   interleaving, run: "TestWhatBroke/foreign_stamp",
	},
	{
		name: "refused after unknown is lost, intent", hazard: "double apply",
		edits: []edit{{"dualwrite/intent.go", "case res.outcome == stores.OutcomeRefused && !res.doubt:", "case res.outcome == stores.OutcomeRefused:"}},
		pkg:   interleaving, run: "TestWhatBroke/refused_after_unknown,_intent",
	},
	{
		name: "refusal by oneself not recognised", hazard: "a write that a driver repeated is taken for lost and done again",
		edits: []edit{{"dualwrite/put.go", "if res.stored.Shows(rec.Version) {", "if false {"}},
		pkg:   interleaving, run: "TestKnownOutcomes/put_in_A",
	},
	{
		name: "built upon not recognised", hazard: "a write that was applied and built upon is taken for lost",
		edits: []edit{{"stores/record.go", "(m.Version.Same(t) || m.Prev.Same(t))", "m.Version.Same(t)"}},
		pkg:   interleaving, run: "TestKnownOutcomes/put_in_A",
	},
	{
		name: "an intent dies with its caller", hazard: "request cancelled between the two writes leaves them different",
		edits: []edit{{"dualwrite/intent.go", "\t\to.detach(o.r.opts.OperationTimeout)\n", ""}},
		pkg:   interleaving, run: "TestAlone",
	},
	{
		name: "a mirror dies with its caller", hazard: "request cancelled between the two writes leaves them different",
		edits: []edit{{"dualwrite/write.go", "\t\to.detach(o.r.opts.MirrorTimeout)\n", ""}},
		pkg:   interleaving, run: "TestAlone",
	},
	{
		name: "dead taken for complete", hazard: "an intent that can never commit is repeated for ever",
		edits: []edit{{"stores/resolve.go", "\tcase new.Version.Newer(old.Prev):\n\t\treturn Dead\n", "\tcase new.Version.Newer(old.Prev):\n\t\treturn Complete\n"}},
		pkg:   interleaving, run: "TestWhatBroke/dead_intent",
	},
	{
		name: "lost race taken for not committed", hazard: "an intent that somebody completed and overwrote is applied again",
		edits: []edit{{"dualwrite/intent.go", "\t\treturn false, o.indeterminate(p, rec.Version, res.err)\n\tcase", "\t\treturn false, nil\n\tcase"}},
		pkg:   interleaving, run: "TestWhatBroke/lost_race",
	},
	{
		name: "intent over anything older", hazard: "an intent overwrites what old is ahead by",
		edits: []edit{{"dualwrite/intent.go", "cond := stores.IfAtMost(rec.Prev, dead)", "cond := stores.IfOlder(rec.Version)"}},
		pkg:   interleaving, run: "TestWhatBroke",
	},
	{
		name: "intent without its flag", hazard: "a helper takes an intent for final and overwrites a newer new-only write",
		edits: []edit{{"dualwrite/intent.go", "\tintent.Intent = true\n", ""}},
		pkg:   interleaving, run: "TestWhatBroke",
	},
	{
		name: "the intent flag is carried over", hazard: "mirrors, copies, resolves and repairs carry everything but the flag",
		edits: []edit{{"stores/resolve.go", "\tr.Intent = false\n", ""}},
		pkg:   interleaving, run: "TestWhatBroke/complete_by_prev",
	},
	{
		name: "stamps from the wall clock alone", hazard: "a writer whose clock is behind is refused for ever",
		edits: []edit{{"stores/clock.go", "low = v.clock + 1", "_ = v"}},
		pkg:   interleaving, run: "TestTables/pairs",
	},
	{
		name: "update on anything older", hazard: "a concurrent update is lost",
		edits: []edit{{"dualwrite/write.go", "return rec, stores.IfStamp(base.Version), nil", "return rec, stores.IfOlder(rec.Version), nil"}},
		pkg:   interleaving, run: "TestKnownOutcomes",
	},
	{
		name: "an intent is copied as it is", hazard: "the copy overwrites a newer new-only write",
		edits: []edit{{"stores/resolve.go", "case !old.Intent:", "case true:"}},
		pkg:   interleaving, run: "TestWhatBroke",
	},
	{
		name: "rejected after unknown is rejected", hazard: "a caller is told that a write had no effect which may still arrive",
		edits: []edit{{"dualwrite/put.go", "if res.outcome == stores.OutcomeRejected && res.doubt {", "if false {"}, {"dualwrite/write.go", "if res.doubt || res.outcome == stores.OutcomeUnknown {", "if res.outcome == stores.OutcomeUnknown {"}},
		pkg:   interleaving, run: "TestAlone",
	},
	{
		name: "a blocked record can not be stored", hazard: "a client is told that what it reads can not be stored",
		edits: []edit{{"dualwrite/intent.go", "fmt.Errorf(\"%w: %w\", ErrBlocked, cause{why})", "fmt.Errorf(\"%w: %w\", ErrBlocked, why)"}},
		pkg:   repository, run: "TestCodes",
	},
	{
		name: "a fresh stamp for every try", hazard: "never take a fresh stamp after a write whose outcome is unknown",
		edits: []edit{{
			"dualwrite/put.go", "\t\t\tres.doubt = true\n",
			"\t\t\tres.doubt = true\n\t\t\tif cond.Kind == stores.KindIfOlder {\n\t\t\t\tif v, err := o.next(w.Record.Version); err == nil {\n\t\t\t\t\tw.Record.Version, w.If = v, stores.IfOlder(v)\n\t\t\t\t}\n\t\t\t}\n",
		}},
		pkg: interleaving, run: "TestWhatBroke/refused_after_unknown",
	},
}
