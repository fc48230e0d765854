package main

// values are values that a store would acknowledge and give back as others.
var values = []mutant{
	{
		name: "a zero timestamp is inserted", hazard: "the server replaces it by its own time",
		edits: []edit{{"stores/mongostore/literal.go", "\tif c.zeroTimestamp() {", "\tif false {"}},
		pkg:   "./stores/mongostore", run: "TestAnyNameInAnyWrite",
	},
	{
		name: "names that differ in letters", hazard: "the driver takes one field for another, and the next write loses one of them",
		edits: []edit{{"stores/mongostore/codec.go", "case c.names != nil && holdsMistaken(doc, c.names):", "case false:"}},
		pkg:   "./stores/mongostore", run: "TestNamesMatchExactly",
	},
	{
		name: "a map keeps one of two fields", hazard: "a field is lost without a word",
		edits: []edit{{"stores/mongostore/exact.go", "\t\ts.noteTwice(lost, doc, nil)\n\t\treturn", "\t\treturn"}},
		pkg:   "./stores/mongostore", run: "TestTwoFieldsOfOneNameAreNamed",
	},
	{
		name: "text that is not UTF-8", hazard: "JSON replaces it without a word",
		edits: []edit{{"stores/internal/jsonform/jsonform.go", "bytes.Contains(own, []byte(`\\ufffd`)) || ", ""}},
		pkg:   "./stores/internal/jsonform", run: "TestWhatJSONBendsIsRefused",
	},
	{
		name: "what JSON gives back is not compared", hazard: "a value is acknowledged that comes back as another one",
		edits: []edit{{"stores/internal/jsonform/compare.go", "!same {\n\t\treturn fmt.Errorf(\"JSON would", "!same && false {\n\t\treturn fmt.Errorf(\"JSON would"}},
		pkg:   "./stores/internal/jsonform", run: "TestWhatJSONBendsIsRefused",
	},
}
