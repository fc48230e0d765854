package main

// survivors break what tests once did not notice.
var survivors = []mutant{
	{
		name: "a second copy takes holes for records", hazard: "what new has lost is counted as being there already",
		edits: []edit{{"copier/copy.go", "metas[i].Err != nil || ", ""}},
		pkg:   "./copier", run: "TestCopySkipsByMetadata",
	},
	{
		name: "an intent that is busy is forgotten", hazard: "the copy is clean, and new has nothing",
		edits: []edit{{"copier/copy.go", "\t\t\td.pending = append(d.pending, canon[i])\n", ""}},
		pkg:   "./copier", run: "TestCopyComesBackToAnIntent",
	},
	{
		name: "a look-up that fails is an answer", hazard: "a record that only new has is overlooked",
		edits: []edit{{"copier/verify.go", "case res.Err == nil || isUndecodable(res.Err):", "case !absent:"}},
		pkg:   "./copier", run: "TestVerifyLooksAgainForAnExtraRecord",
	},
	{
		name: "a refusal after doubt is a success", hazard: "a write that lost to a live one counts as done",
		edits: []edit{{"copier/send.go", " && a.stored.Shows(t)", ""}},
		pkg:   "./copier", run: "TestRefusalAfterDoubtIsNoSuccess",
	},
	{
		name: "any checkpoint of a verify will do", hazard: "a pass goes on where another one was",
		edits: []edit{{"copier/checkpoint.go", " || cp.Flow != o.flow", ""}},
		pkg:   "./copier", run: "TestCheckpointOfSomethingElseIsRefused",
	},
	{
		name: "finish counts what others did", hazard: "a report tells more than was done",
		edits: []edit{{"copier/finish.go", "a.outcome == stores.OutcomeRefused && a.doubt && !f.hasStamp(a):", "a.outcome == stores.OutcomeRefused && !f.hasStamp(a):"}},
		pkg:   "./copier", run: "TestFinishCountsWhatItDid",
	},
	{
		name: "bolt does not sync", hazard: "an acknowledged write is gone after a power cut",
		edits: []edit{{"stores/boltstore/file.go", "NoSync:       opts.NoSync,", "NoSync:       true,"}},
		pkg:   "./stores/boltstore", run: "TestWritesAreSyncedByDefault",
	},
	{
		name: "a write within a commit is withdrawn", hazard: "a write that is being committed is said to have had no effect",
		edits: []edit{{"stores/boltstore/queue.go", "if j.state != jobWaiting {\n\t\treturn false\n", "if j.state != jobWaiting {\n\t\treturn true\n"}},
		pkg:   "./stores/boltstore", run: "TestCancelledWithinACommit",
	},
	{
		name: "a refusal outlives its transaction", hazard: "a write is refused by one that was never committed",
		edits: []edit{{"stores/boltstore/job.go", "j.err == nil || o.kind == opRejected", "j.err == nil || o.err != nil"}},
		pkg:   "./stores/boltstore", run: "TestRefusalsOfAFailedCommit",
	},
	{
		name: "the help of a read is pursued", hazard: "a read outlives its caller's deadline",
		edits: []edit{{"dualwrite/put.go", "\t\t\tif keep {\n", "\t\t\tif true {\n"}},
		pkg:   repository, run: "TestHelpOfAReadEndsWithItsCaller",
	},
	{
		name: "a record without a version passes", hazard: "what a broken store answers is taken for a record",
		edits: []edit{{"dualwrite/op.go", "if rec.Version.IsUnknown() {", "if false {"}},
		pkg:   repository, run: "TestARecordWithoutAVersionIsAnError",
	},
}
