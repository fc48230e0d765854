package interleave

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Cover picks scenarios of the table until every two values that can occur together in two columns do so in one that was
// picked. What may go wrong is one more column: each scenario has one of these faults, at any call. Which scenarios are
// picked depends on the seed alone.
func (t *Table) Cover(seed uint64, faults ...Fault) (picked []*Scenario) {
	c := &cover{table: t, faults: faults, rng: rand.New(rand.NewPCG(seed, 0)), covered: map[valuePair]bool{}}
	c.index()
	for _, p := range c.shuffled() {
		if !c.covered[p] {
			picked = append(picked, c.pick(p))
		}
	}
	return picked
}

// valuePair is two columns and a value in each. The columns of a setting come first.
type valuePair struct{ i, j, a, b int }

// The columns of a setting; those of the row come after them, and then that of the faults.
const settingColumns = 4

// cover is on its way to cover a table.
type cover struct {
	table    *Table
	faults   []Fault
	rng      *rand.Rand
	settings [][settingColumns]int // the values of each setting
	free     []int                 // how many values each of the other columns has
	covered  map[valuePair]bool
}

// index numbers the values of the columns.
func (c *cover) index() {
	var names [settingColumns][]string
	for _, s := range c.table.settings {
		var values [settingColumns]int
		for i, name := range [settingColumns]string{s.window.String(), s.start.Name, s.beside.name, s.pairs.name} {
			if values[i] = slices.Index(names[i], name); values[i] < 0 {
				values[i] = len(names[i])
				names[i] = append(names[i], name)
			}
		}
		c.settings = append(c.settings, values)
	}
	c.free = append(c.free, len(skews), len(forgets))
	for _, p := range c.table.programs {
		c.free = append(c.free, len(p))
	}
	c.free = append(c.free, len(c.faults))
}

// shuffled is every pair of values that can occur together.
func (c *cover) shuffled() (all []valuePair) {
	can := map[valuePair]bool{}
	for _, values := range c.settings {
		for j, b := range values {
			for i, a := range values[:j] {
				can[valuePair{i, j, a, b}] = true
			}
			for f, n := range c.free {
				for v := range n {
					can[valuePair{j, settingColumns + f, b, v}] = true
				}
			}
		}
	}
	for j, m := range c.free {
		for i, n := range c.free[:j] {
			for k := range n * m {
				can[valuePair{settingColumns + i, settingColumns + j, k / m, k % m}] = true
			}
		}
	}
	for p := range can {
		all = append(all, p)
	}
	slices.SortFunc(all, func(p, q valuePair) int {
		return cmp.Or(p.i-q.i, p.j-q.j, p.a-q.a, p.b-q.b)
	})
	c.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// pick draws a scenario that has two values, and marks all that it covers.
func (c *cover) pick(p valuePair) *Scenario {
	var fit []int
	for i, values := range c.settings {
		if (p.i >= settingColumns || values[p.i] == p.a) && (p.j >= settingColumns || values[p.j] == p.b) {
			fit = append(fit, i)
		}
	}
	drawn := fit[c.rng.IntN(len(fit))]
	values := slices.Clone(c.settings[drawn][:])
	for i, n := range c.free {
		switch settingColumns + i {
		case p.i:
			values = append(values, p.a)
		case p.j:
			values = append(values, p.b)
		default:
			values = append(values, c.rng.IntN(n))
		}
	}
	for j, b := range values {
		for i, a := range values[:j] {
			c.covered[valuePair{i, j, a, b}] = true
		}
	}
	r := append(row{drawn}, values[settingColumns:len(values)-1]...)
	s := c.table.scenario(r)
	if s == nil { // the same with the actors exchanged
		r[before], r[before+1] = r[before+1], r[before]
		s = c.table.scenario(r)
	}
	s.Fault = c.faults[values[len(values)-1]]
	return s
}
