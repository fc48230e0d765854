package main

// oneRecord breaks what keeps the trouble of one record, one clock or one store from becoming that of others.
var oneRecord = []mutant{
	{
		name: "a stamp far ahead moves the clock", hazard: "every record that the instance writes gets a stamp from the future",
		edits: []edit{{"stores/clock.go", "min(followed, c.maxAway)", "c.maxAway"}},
		pkg:   "./stores", run: "TestClockAndAStampFarAhead",
	},
	{
		name: "stamps above one far ahead are all alike", hazard: "two writes have one stamp",
		edits: []edit{{"stores/clock.go", "c.writer + c.beyond.Add(1)", "c.writer"}},
		pkg:   "./stores", run: "TestClockAndAStampFarAhead",
	},
	{
		name: "any stamp is followed", hazard: "a damaged stamp is written again and again until none is left",
		edits: []edit{{"stores/clock.go", "if v.clock-now > c.maxAway || v.clock == math.MaxUint64 {", "if v.clock == math.MaxUint64 {"}},
		pkg:   repository, run: "TestDamagedStamp",
	},
	{
		name: "stamps from the future cost no rate", hazard: "the limit that protects production is off",
		edits: []edit{{"copier/pass.go", " && s.Time().Before(latest)", ""}, {"copier/pass.go", "latest := time.Now().Add(clockSkew)", "_ = time.Now().Add(clockSkew)"}},
		pkg:   "./copier", run: "TestRateCountsStampsFromTheFuture",
	},
	{
		name: "a foreign id of new is looked up", hazard: "a verify ends with an error for ever, or is clean",
		edits: []edit{{"copier/verify.go", "if b.Foreign {", "if false {"}},
		pkg:   "./copier", run: "TestVerifyReportsForeignIDsOfEitherPlace",
	},
	{
		name: "foreign ids count as refusals", hazard: "a pass gives up because of what is somebody else's",
		edits: []edit{{"copier/pass.go", "\tif b.Foreign {\n\t\tf.Err = b\n\t}\n", ""}},
		pkg:   "./copier", run: "TestForeignIDsDoNotEndThePass",
	},
	{
		name: "a closed store blocks the key of a writer", hazard: "an alarm goes off for the wrong reason",
		edits: []edit{{"dualwrite/intent.go", "if !errors.Is(res.err, ErrClosed) {", "if true {"}},
		pkg:   repository, run: "TestAClosedStoreBlocksNoKey",
	},
	{
		name: "a closed store blocks the key of a reader", hazard: "an alarm goes off for the wrong reason",
		edits: []edit{{"dualwrite/resolve.go", "if !errors.Is(res.err, ErrClosed) {", "if true {"}},
		pkg:   repository, run: "TestAClosedStoreBlocksNoKey",
	},
	{
		name: "a scan that ends does not ask for the phase", hazard: "records of a place that is no longer kept up to date are yielded as right",
		edits: []edit{{"dualwrite/scan.go", "!rec.Live() || s.inPhase() && s.yield", "!rec.Live() || s.yield"}},
		pkg:   repository, run: "TestScanEndsTwoPhasesOn",
	},
	{
		name: "an operation stays counted when the flag panics", hazard: "Close waits for it for ever",
		edits: []edit{{"dualwrite/inflight.go", "\t\tif !entered {\n", "\t\tif !entered && (err != nil || again.Valid()) {\n"}},
		pkg:   repository, run: "TestSourceThatPanics",
	},
}
