package main

// refusedValues break what becomes of a value that new refuses for good.
var refusedValues = []mutant{
	{
		name: "the owner takes its intent back", hazard: "a reader in read-old/write-both has seen what was taken back",
		edits: []edit{{
			"dualwrite/intent.go", "\t\tres.err = fmt.Errorf(\"%w: %w\", errAnnounced, res.err)\n",
			"\t\tif base, err := o.get(p); err == nil && base.Version.Same(rec.Prev) {\n" +
				"\t\t\tif back := o.put(&o.r.old, base, stores.IfStamp(rec.Version), true, false); back.outcome == stores.OutcomeApplied {\n" +
				"\t\t\t\treturn false, o.fail(p, res.err)\n\t\t\t}\n\t\t}\n",
		}},
		pkg: interleaving, run: "TestWhenRefused/taken_back",
	},
	{
		name: "a refused intent taken for dead", hazard: "it is completed after all, or its owner starts over: a write is applied twice",
		edits: []edit{{"dualwrite/intent.go", "rec, committed, err = o.overtake(rec, met)", "met = obstacle{dead: met.refused}"}},
		pkg:   interleaving, run: "TestWhenRefused",
	},
	{
		name: "a way out that names its base", hazard: "the owner of what was refused starts over, although it was seen",
		edits: []edit{{"dualwrite/overtake.go", "\trec.Prev = stores.Unknown\n", ""}},
		pkg:   interleaving, run: "TestWhenRefused",
	},
	{
		name: "a way out for updates", hazard: "an update of what a reader in read-old/write-both does not see",
		edits: []edit{{"dualwrite/intent.go", "\t\t\tif !c.blind() {\n\t\t\t\treturn stores.Unknown, o.refused(met)\n", "\t\t\tif false {\n\t\t\t\treturn stores.Unknown, o.refused(met)\n"}},
		pkg:   interleaving, run: "TestWhenRefused",
	},
	{
		name: "a way out into new alone", hazard: "old keeps what new refuses",
		edits: []edit{{"dualwrite/overtake.go", "\tres := o.put(&o.r.old, rec, over, true, false)\n", "\tres := o.put(&o.r.new, rec, older, true, false)\n\t_ = over\n"}},
		pkg:   interleaving, run: "TestWhenRefused",
	},
	{
		name: "a blocked key stays on the list", hazard: "operators look for what a write has mended",
		edits: []edit{{"dualwrite/intent.go", "\t\t\to.r.unblock(o.key)\n", ""}},
		pkg:   repository, run: "TestBlindWritesGetOutOfWhatNewRefuses",
	},
	{
		name: "a repair writes old's refused record over", hazard: "a repair for which new wins overwrites what new-only has written since",
		edits: []edit{{"copier/decide.go", "Prev: new.Version, Intent: true, Deleted: new.Version", "Prev: new.Version, Deleted: new.Version"}},
		pkg:   interleaving, run: "TestWhenRefused",
	},
	{
		name: "a repair goes by a refusal from before", hazard: "a live write is thrown away by a repair",
		edits: []edit{{"copier/fix.go", "if s.place == placeNew && x.old.Version.Same(refused) {", "if s.place == placeNew && !refused.IsUnknown() {"}},
		pkg:   "./copier", run: "TestRepairOfWhatNewRefusedBefore",
	},
}
