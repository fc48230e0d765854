package interleave

import "math/rand/v2"

// Cover picks scenarios until every two values that occur together in two columns of the table are in one that was
// picked. Which ones depends on the seed alone.
func Cover(all []*Scenario, seed uint64) (picked []*Scenario) {
	rng := rand.New(rand.NewPCG(seed, 0))
	covered := map[columnPair]bool{}
	for _, i := range rng.Perm(len(all)) {
		if s := all[i]; s.cover(covered) > 0 {
			picked = append(picked, s)
		}
	}
	return picked
}

// columnPair is two columns and a value in each.
type columnPair struct {
	i, j int
	a, b string
}

// cover marks the pairs of values that a scenario has, and counts the new ones.
func (s *Scenario) cover(covered map[columnPair]bool) (fresh int) {
	for i, a := range s.columns {
		for j, b := range s.columns[:i] {
			if pair := (columnPair{j, i, b, a}); !covered[pair] {
				covered[pair] = true
				fresh++
			}
		}
	}
	return fresh
}
