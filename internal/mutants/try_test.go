package main

import (
	"strings"
	"testing"
)

// TestEveryMutantApplies fails when the code has changed and a mutant has to follow.
func TestEveryMutantApplies(t *testing.T) {
	t.Chdir("../..")
	names := map[string]bool{}
	for _, m := range mutants {
		if _, err := m.overlay(t.TempDir()); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if names[m.name] || m.hazard == "" || m.run == "" || m.pkg == "" {
			t.Errorf("%q has no name of its own, no hazard or no test", m.name)
		}
		names[m.name] = true
	}
}

func TestOverlayRefusesWhatIsNotThereOnce(t *testing.T) {
	for text, want := range map[string]string{"no such text anywhere": "0 times", "func ": "times, not once"} {
		m := mutant{edits: []edit{{"try.go", text, "x"}}}
		if _, err := m.overlay(t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want something with %q", text, err, want)
		}
	}
}

func TestTryRefusesWhatDoesNotCompile(t *testing.T) {
	m := mutant{edits: []edit{{"main.go", "package main", "package nain"}}, pkg: ".", run: "TestNothing"}
	if r := m.try(); r.verdict != broken {
		t.Errorf("%v by %q", r.verdict, r.by)
	}
}

func TestTryRefusesATestThatIsNotThere(t *testing.T) {
	m := mutant{edits: []edit{{"main.go", "// Command mutants breaks", "// Command mutants brakes"}}, pkg: ".", run: "TestNothing"}
	if r := m.try(); r.verdict != broken {
		t.Errorf("%v by %q", r.verdict, r.by)
	}
}

func TestTrySeesSurvivorsAndTheKilled(t *testing.T) {
	m := mutant{edits: []edit{{"try.go", `"SURVIVED"`, `"survived"`}}, pkg: ".", run: "TestOverlayRefusesWhatIsNotThereOnce"}
	if r := m.try(); r.verdict != survived {
		t.Errorf("%v by %q", r.verdict, r.by)
	}
	m.edits = []edit{{"try.go", "n != 1", "n == 0"}}
	if r := m.try(); r.verdict != killed || r.by != m.run {
		t.Errorf("%v by %q", r.verdict, r.by)
	}
}

func TestKillerIsTheDeepestTest(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b (0.1s)\n--- FAIL: TestC (0.1s)\n": "TestA/b",
		"panic: test timed out after 1s\n":                                               "(timed out)",
		"panic: something\n":                                                             "a panic",
		"exit status 2\n":                                                                "",
	} {
		if got := killer(out); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}
