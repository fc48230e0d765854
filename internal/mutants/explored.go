package main

// explored break what only orders of calls show, or the copier beside live writers.
var explored = []mutant{
	{
		name: "verify overlooks what new does not have", hazard: "new-only begins before new has everything",
		edits: []edit{{"copier/decide.go", "\t\t\treturn KindMissing\n", "\t\t\treturn \"\"\n"}},
		pkg:   interleaving, run: "TestWhatBroke/clean_verify",
	},
	{
		name: "a scan overlooks what it can not look up", hazard: "an acknowledged record is missing, without an error",
		edits: []edit{{"dualwrite/scan.go", "if there.Err == nil && !there", "if there.Err != nil || !there"}},
		pkg:   interleaving, run: "TestFound",
	},
	{
		name: "a scan asks new alone", hazard: "a scan in read-new/write-both goes back in time",
		edits: []edit{{"dualwrite/scan.go", "\t\tif !routes[phase].strict {\n\t\t\ts.plain", "\t\tif true {\n\t\t\ts.plain"}},
		pkg:   interleaving, run: "TestTables/pairs",
	},
	{
		name: "a batch asks new alone", hazard: "a batch read in read-new/write-both goes back in time",
		edits: []edit{{"dualwrite/many.go", "\tif !routes[phase].strict {\n", "\tif true {\n"}},
		pkg:   interleaving, run: "TestTables/pairs",
	},
	{
		name: "a pair in doubt starts over, in all orders", hazard: "treating refused after an unknown outcome as lost: applied twice",
		edits: []edit{{"dualwrite/pair.go", "case res.outcome == stores.OutcomeRefused && !res.doubt:", "case res.outcome == stores.OutcomeRefused:"}},
		pkg:   interleaving, run: "TestInPairs",
	},
	{
		name: "a pair takes anything older in new, in all orders", hazard: "a write of read-new/write-both overwrites one of new-only",
		edits: []edit{{"dualwrite/pair.go", "o.both(ifNew)", "o.both(stores.IfOlder(rec.Version))"}},
		pkg:   interleaving, run: "TestInPairs",
	},
	{
		name: "a pair takes anything older in old, in all orders", hazard: "a write of read-new/write-both overwrites what old is ahead by",
		edits: []edit{{"dualwrite/pair.go", "rec, ifOld, true, false)", "rec, stores.IfOlder(rec.Version), true, false)"}},
		pkg:   interleaving, run: "TestInPairs",
	},
	{
		name: "a mirror notes what it replaced on new", hazard: "a write of read-new/write-both that was seen on old is taken for lost, and applied twice",
		edits: []edit{{"dualwrite/put.go", "!o.route().intent && p.name == o.decider().name && cond", "!o.route().intent && cond"}},
		pkg:   interleaving, run: "TestWhatBroke|TestKnownOutcomes",
	},
	{
		name: "a blind write notes nothing", hazard: "an outcome that old shows is not known, without any fault",
		edits: []edit{{"stores/store.go", "\tif w.NotePrev {\n\t\tm.Prev = stored\n", "\tif false {\n\t\tm.Prev = stored\n"}},
		pkg:   interleaving, run: "TestKnownOutcomes",
	},
}
