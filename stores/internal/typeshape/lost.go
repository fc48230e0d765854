package typeshape

import "slices"

// Lost collects the fields of one record after the other that a type does not hold exactly. It belongs to one scan and is not
// safe for concurrent use. The zero value is ready.
type Lost struct {
	names []string // of the present record
	last  []string // what Take returned last: records of one kind mostly lose the same
}

// Add notes a field of the present record.
func (l *Lost) Add(name string) { l.names = append(l.names, name) }

// Take returns the fields of the present record in order, each once, and begins the next one. Nobody may change them. They are nil
// if there are none.
func (l *Lost) Take() []string {
	if len(l.names) == 0 {
		return nil
	}
	slices.Sort(l.names)
	l.names = slices.Compact(l.names)
	if !slices.Equal(l.names, l.last) {
		l.last = slices.Clone(l.names)
	}
	l.names = l.names[:0]
	return l.last
}
