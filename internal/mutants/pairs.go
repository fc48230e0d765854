package main

// pairs break the writes to both places together.
var pairs = []mutant{
	{
		name: "a pair forgets that it is in doubt", hazard: "treating refused after an unknown outcome as lost: applied twice",
		edits: []edit{{"dualwrite/pair.go", "rec, cond, true, res.doubt), false", "rec, cond, true, false), false"}},
		pkg:   repository, run: "TestPairInDoubtThenRefusedInA",
	},
	{
		name: "a pair in doubt starts over", hazard: "treating refused after an unknown outcome as lost: applied twice",
		edits: []edit{{"dualwrite/pair.go", "case b.there != nil && !res.doubt:", "case b.there != nil:"}},
		pkg:   repository, run: "TestPairRefusedByNewInB",
	},
	{
		name: "a pair in doubt gives way", hazard: "treating refused after an unknown outcome as lost: applied twice",
		edits: []edit{{"dualwrite/pair.go", "case res.outcome == stores.OutcomeRefused && !res.doubt:", "case res.outcome == stores.OutcomeRefused:"}},
		pkg:   repository, run: "TestPairInDoubtThenRefusedByOldInB",
	},
	{
		name: "a pair takes anything older in new", hazard: "a write of read-new/write-both overwrites one of new-only",
		edits: []edit{{"dualwrite/pair.go", "b := o.both(ifNew)", "b := o.both(stores.IfOlder(rec.Version))"}},
		pkg:   repository, run: "TestPairRefusedByNewInB",
	},
	{
		name: "a pair takes anything older in old", hazard: "a write of read-new/write-both overwrites what old is ahead by",
		edits: []edit{{"dualwrite/pair.go", "rec, ifOld, true, false)", "rec, stores.IfOlder(rec.Version), true, false)"}},
		pkg:   repository, run: "TestPairRefusedByOldInB|TestPairsBesideSeparateWrites",
	},
	{
		name: "a pair does not know its own trace", hazard: "a refusal after a hidden retry is judged by the stamp",
		edits: []edit{{"dualwrite/pair.go", " || byNew == stores.OutcomeRefused && now.Shows(v) {", " {"}},
		pkg:   repository, run: "TestPairRefusedByItself",
	},
	{
		name: "a refusal by new passes for one by old", hazard: "new stands in the way of writes that old decides about",
		edits: []edit{{"dualwrite/pair.go", "fmt.Errorf(\"%w: %s\", errNewRefuses, neither.Second.Error())", "fmt.Errorf(\"%w: %w\", errNewRefuses, neither.Second)"}},
		pkg:   repository, run: "TestPairRefusedByNewInA",
	},
	{
		name: "a pair hangs without end", hazard: "a slow new store makes every write slow",
		edits: []edit{{"dualwrite/pair.go", "context.WithTimeout(o.ctx, o.r.opts.MirrorTimeout)", "context.WithCancel(o.ctx)"}},
		pkg:   repository, run: "TestPairTimeout",
	},
	{
		name: "a pair for a caller that is gone", hazard: "a write is carried out that had been given up before it began",
		edits: []edit{{"dualwrite/pair.go", "\tif o.ctx.Err() == nil {\n\t\tres = o.putBoth", "\tif true {\n\t\tres = o.putBoth"}},
		pkg:   repository, run: "TestPairAndTheCallersContext",
	},
	{
		name: "a pair may replace no dead intent", hazard: "an intent that can never commit blocks its key",
		edits: []edit{{"dualwrite/intent.go", "o.commitBoth(rec, stores.IfAtMost(rec.Prev, dead), ", "o.commitBoth(rec, stores.IfAtMost(rec.Prev, stores.Unknown), "}},
		pkg:   repository, run: "TestPairRefusedByOldInB",
	},
}
