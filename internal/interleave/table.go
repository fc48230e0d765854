package interleave

// Table is a product of columns. Some values exclude each other: those columns are listed together as settings. The others
// go with everything.
type Table struct {
	Name     string
	settings []setting
	// programs are the columns of what the actors do.
	programs [][][]Kind
	// actors puts a row together.
	actors func(c *setting, k skew, programs [][]Kind) []Actor
	// stage is that of the helpers.
	stage int
	// twins: in a window of one phase the actors can be exchanged, which is not another scenario.
	twins bool
}

// setting is a value for each of the columns that depend on each other.
type setting struct {
	window window
	start  Start
	beside beside
	pairs  pairing
}

// Len is the number of rows.
func (t *Table) Len() int {
	n := len(t.settings) * len(skews) * len(forgets)
	for _, p := range t.programs {
		n *= len(p)
	}
	return n
}

// row is an index into each column: the setting, the skew, what places note, and the programs.
type row []int

// before are the columns of a row before those of the programs.
const before = 3

// row takes the number of a row apart.
func (t *Table) row(i int) row {
	r := make(row, before+len(t.programs))
	for c := len(t.programs) - 1; c >= 0; c-- {
		r[before+c], i = i%len(t.programs[c]), i/len(t.programs[c])
	}
	r[2], i = i%len(forgets), i/len(forgets)
	r[1], r[0] = i%len(skews), i/len(skews)
	return r
}

// At returns the scenario of a row; nil if it is the same as another one.
func (t *Table) At(i int) *Scenario { return t.scenario(t.row(i)) }

func (t *Table) scenario(r row) *Scenario {
	c, k := &t.settings[r[0]], skews[r[1]]
	if t.twins && c.window[0] == c.window[1] && k.first == 0 && c.pairs.first == c.pairs.second && r[before] > r[before+1] {
		return nil
	}
	programs := make([][]Kind, len(t.programs))
	for i := range programs {
		programs[i] = t.programs[i][r[before+i]]
	}
	s := newScenario(c.start, k, t.actors(c, k, programs))
	s.pairs, s.Forgets = c.pairs, forgets[r[2]]
	for _, kind := range c.beside.kinds {
		h := helper(kind)
		h.Stage = t.stage
		s.Actors = append(s.Actors, h)
	}
	return s
}

// Find returns the scenario of the table that has this name, nil if there is none.
func (t *Table) Find(name string) *Scenario {
	for i := range t.Len() {
		if s := t.At(i); s != nil && s.Name() == name {
			return s
		}
	}
	return nil
}
