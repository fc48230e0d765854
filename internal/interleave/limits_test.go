package interleave

// What is explored of a scenario, from the default tests to the large run.

// quickLimits are those of the default tests: no fault, and one preemption where three or more take part.
func quickLimits(s *Scenario) Limits {
	l := Limits{Preemptions: -1}
	if len(s.Actors) > 2 {
		l.Preemptions = 1
	}
	return l
}

// randomLimits draw schedules with up to two faults of any kind.
func randomLimits(*Scenario) Limits {
	return Limits{Faults: 2, Preemptions: -1, Random: 25, Seed: *seed}
}

// pairwiseLimits are those of CI: the fault of the scenario at any one call, and every order of two callers and a copy or a
// repair. A third caller, a second helper, a helper where new refuses values, or a verify beside, which makes three times as many
// calls, makes it two preemptions.
func pairwiseLimits(s *Scenario) Limits {
	l := Limits{Faults: 1, Kinds: []Fault{s.Fault}, Preemptions: -1}
	helpers, verifies := 0, false
	for _, a := range s.Actors {
		if k := a.Program[0]; k.helper() {
			helpers++
			verifies = verifies || k == VerifyRepair || k == VerifyBoth
		}
	}
	if callers := s.callers(); callers > 2 || callers == 2 && (helpers > 1 || verifies || helpers > 0 && s.refusal()) {
		l.Preemptions = 2
	}
	return l
}

// exploreLimits are those of the large run: a fault of any kind at any call, or none, and every order of two actors. A
// third one multiplies the orders by hundreds, so two preemptions have to do: what went wrong in the design of the protocol
// needed no more.
func exploreLimits(s *Scenario, faults int) Limits {
	l := Limits{Faults: faults, Preemptions: -1, Schedules: *cutOff}
	if len(s.Actors) > 2 {
		l.Preemptions = 2
	}
	return l
}

// callers is how many call a repository at the same time.
func (s *Scenario) callers() (most int) {
	var stages [4]int
	for _, a := range s.Actors {
		if a.Phase.Valid() {
			stages[a.Stage]++
			most = max(most, stages[a.Stage])
		}
	}
	return most
}
