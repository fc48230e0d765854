package interleave

import "testing"

func TestWhatBroke(t *testing.T) {
	for _, n := range WhatBroke() {
		t.Run(n.Name, func(t *testing.T) { exploreNamed(t, n) })
	}
}

func TestKnownOutcomes(t *testing.T) {
	for _, n := range append(KnownOutcomes(), NotedOutcomes()...) {
		t.Run(n.Name, func(t *testing.T) { exploreNamed(t, n) })
	}
}

func TestInPairs(t *testing.T) {
	for _, n := range InPairs() {
		t.Run(n.Name, func(t *testing.T) { exploreNamed(t, n) })
	}
}

func TestWhenRefused(t *testing.T) {
	for _, n := range WhenRefused() {
		t.Run(n.Name, func(t *testing.T) { exploreNamed(t, n) })
	}
}

// TestFound replays what went wrong once.
func TestFound(t *testing.T) {
	for what, text := range Found() {
		t.Run(what, func(t *testing.T) { mustReplay(t, text) })
	}
}

func exploreNamed(t *testing.T, n Named) {
	t.Helper()
	t.Log(n.Hazard)
	var sum total
	sum.explore(t, n.Scenario, n.Limits)
	if sum.partial > 0 {
		t.Error("the exploration was cut off")
	}
	t.Logf("%v", &sum)
}

func TestAlone(t *testing.T) {
	var list []*Scenario
	limits := map[*Scenario]Limits{}
	for _, n := range Alone() {
		list = append(list, n.Scenario)
		limits[n.Scenario] = n.Limits
	}
	exploreAll(t, list, func(s *Scenario) Limits { return limits[s] })
}
