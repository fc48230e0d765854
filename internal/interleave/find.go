package interleave

import (
	"fmt"
	"slices"
	"strings"
)

// find returns the scenario with this name, of a table or a named one.
func find(name string) (*Scenario, error) {
	var list []*Scenario
	for _, named := range [][]Named{WhatBroke(), KnownOutcomes(), NotedOutcomes(), InPairs(), Alone(), WhenRefused()} {
		for _, n := range named {
			list = append(list, n.Scenario)
		}
	}
	if s := byName(list, name); s != nil {
		return s, nil
	}
	base, word, _ := strings.Cut(name, ", fault ")
	for _, t := range Tables() {
		if s := t.Find(base); s != nil {
			s.Fault = Fault(max(0, slices.Index(words[:], word)))
			return s, nil
		}
	}
	return nil, fmt.Errorf("interleave: there is no scenario %q", name)
}

func byName(list []*Scenario, name string) *Scenario {
	for _, s := range list {
		if s.Name() == name {
			return s
		}
	}
	return nil
}

// ParseReplay takes apart what a violation says about replaying it, "scenario @ decision decision …", and finds the scenario.
func ParseReplay(text string) (s *Scenario, schedule []string, err error) {
	name, decisions, ok := strings.Cut(text, " @ ")
	if !ok {
		return nil, nil, fmt.Errorf("interleave: %q is no replay: want \"scenario @ decisions\"", text)
	}
	s, err = find(name)
	return s, strings.Fields(decisions), err
}
