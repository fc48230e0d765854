package metamorphic

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

// state is what the model holds of a key. Versions go by the number of the write that made them.
type state struct {
	exists bool
	value  int64
	by     int
}

// Numbers of versions that no write made.
const (
	byNobody = -1
	bySeed   = -2
)

// action is one write of one key.
type action struct {
	id    int
	kind  kind
	value int64
	// version is what a conditional write requires.
	version stores.Version
	fails   bool
}

var errByFunction = errors.New("the caller's function refuses")

// apply is what the write makes of a branch's state, or why it does nothing.
func (b branch) apply(a action) (state, error) {
	s, next := b.state, state{exists: true, value: a.value, by: a.id}
	switch a.kind {
	case create:
		if s.exists {
			return s, dualwrite.ErrExists
		}
	case update, upsert:
		if !s.exists && a.kind == update {
			return s, dualwrite.ErrNotFound
		}
		if a.fails {
			return s, errByFunction
		}
		next.value = mix(s.value, a.value)
	case putIf, removeIf:
		if !s.exists || !b.bound[s.by].Same(a.version) {
			return s, dualwrite.ErrVersion
		}
	}
	if a.kind == remove || a.kind == removeIf {
		next = state{by: a.id}
	}
	return next, nil
}

// mix shows in the value which updates it went through, in which order and how often.
func mix(old, with int64) int64 { return (old*31 + with + 1) % 1_000_003 }

// branch is one way that things may be with a key: writes whose outcome was not known may take effect later, or never.
type branch struct {
	state
	pending []action
	bound   map[int]stores.Version // versions by number, as far as they were seen
}

// model is every way that things may be, key by key. Without unknown outcomes there is one.
type model [keyCount][]branch

func newModel(seeds map[int]int64) *model {
	var m model
	for key := range m {
		b := branch{state: state{by: byNobody}, bound: map[int]stores.Version{bySeed: stores.Unstamped}}
		if v, ok := seeds[key]; ok {
			b.state = state{exists: true, value: v, by: bySeed}
		}
		m[key] = []branch{b}
	}
	return &m
}

// outcome is what a caller got for one key.
type outcome struct {
	value   int64
	version stores.Version // Unknown where the operation answers none
	err     error
}

func (o outcome) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return fmt.Sprintf("value %d version %v", o.value, o.version)
}

// read keeps the branches in which this is what a reader gets.
func (m *model) read(key int, got outcome) error {
	return m.keep(key, "a read", got, func(b branch) (branch, bool) {
		if !b.exists || got.err != nil {
			return b, !b.exists && errors.Is(got.err, dualwrite.ErrNotFound)
		}
		return b, b.value == got.value && b.bind(b.by, got.version)
	})
}

// write keeps the branches in which the write may answer this, as they are after it.
func (m *model) write(key int, a action, got outcome) error {
	if errors.Is(got.err, dualwrite.ErrIndeterminate) {
		for i := range m[key] {
			m[key][i].pending = append(slices.Clone(m[key][i].pending), a)
		}
		return nil
	}
	return m.keep(key, kindNames[a.kind], got, func(b branch) (branch, bool) {
		next, err := b.apply(a)
		if err != nil || got.err != nil {
			return b, err != nil && errors.Is(got.err, err)
		}
		b.state = next
		return b, got.version.IsUnknown() || b.bind(next.by, got.version)
	})
}

// keep replaces the branches of a key, after every way in which writes in doubt may have taken effect by now.
func (m *model) keep(key int, what string, got outcome, step func(branch) (branch, bool)) error {
	var after []branch
	for _, b := range closure(m[key]) {
		b.bound = maps.Clone(b.bound)
		if next, ok := step(b); ok {
			after = append(after, next)
		}
	}
	if len(after) == 0 {
		return fmt.Errorf("%s of key %d answers %v; the model expects %s", what, key, got, describe(m[key]))
	}
	m[key] = distinct(after)
	return nil
}

// distinct leaves out branches that nothing to come can tell apart.
func distinct(branches []branch) []branch {
	seen := map[string]bool{}
	return slices.DeleteFunc(branches, func(b branch) bool {
		text := fmt.Sprint(b.state, b.bound[b.by])
		for _, a := range b.pending {
			text += fmt.Sprint(" ", a.id)
		}
		twice := seen[text]
		seen[text] = true
		return twice
	})
}

// doubts is how many writes of a key may still take effect.
func (m *model) doubts(key int) (n int) {
	for _, b := range m[key] {
		n = max(n, len(b.pending))
	}
	return n
}

// closure adds to each branch those in which some of its pending writes have taken effect.
func closure(branches []branch) []branch {
	all := slices.Clone(branches)
	for i := 0; i < len(all); i++ {
		for j, a := range all[i].pending {
			next, err := all[i].apply(a)
			if err == nil {
				all = append(all, branch{next, slices.Delete(slices.Clone(all[i].pending), j, j+1), all[i].bound})
			}
		}
	}
	return all
}

// bind notes which version a write made; false if that contradicts what was seen before.
func (b branch) bind(by int, v stores.Version) bool {
	if seen, ok := b.bound[by]; ok {
		return seen.Same(v)
	}
	for _, other := range b.bound {
		if other.Same(v) {
			return false
		}
	}
	b.bound[by] = v
	return true
}

func describe(branches []branch) string {
	text := ""
	for i, b := range branches {
		if i > 0 {
			text += " or "
		}
		text += fmt.Sprintf("%+v after %d in doubt", b.state, len(b.pending))
	}
	return text
}
