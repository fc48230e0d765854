package copier

import (
	"maps"
	"slices"

	"github.com/dualwrite/dualwrite/stores"
)

// Losses are the fields that get lost, by name.
type Losses map[string]Loss

// Loss is what is known of one field.
type Loss struct {
	// Records counts the records that lose it.
	Records int64 `json:"records"`
	// Examples are the first of them, at most three.
	Examples []Example `json:"examples"`
}

// Example is a record that loses a field.
type Example struct {
	// Key is its canonical key, and Shown the same for people.
	Key   []byte `json:"key"`
	Shown string `json:"shown"`
}

const (
	// maxLosses bounds how many fields are told apart: they may be named after data.
	maxLosses = 100
	// maxExamples bounds the examples of each.
	maxExamples = 3
)

// OtherFields is the name under which Losses count all fields beyond the first hundred.
const OtherFields = "(other fields)"

// lostFields are the fields that one record loses.
type lostFields struct {
	canon  []byte
	fields []string
}

func (l *Losses) add(lost lostFields) {
	if *l == nil {
		*l = make(Losses)
	}
	other := false
	for _, field := range lost.fields {
		if _, known := (*l)[field]; !known && len(*l) >= maxLosses {
			other = true
			continue
		}
		(*l).count(field, lost.canon)
	}
	if other {
		(*l).count(OtherFields, lost.canon)
	}
}

func (l Losses) count(field string, canon []byte) {
	loss := l[field]
	loss.Records++
	if len(loss.Examples) < maxExamples {
		loss.Examples = append(loss.Examples, Example{Key: slices.Clone(canon), Shown: stores.FormatKey(canon)})
	}
	l[field] = loss
}

// clone shares nothing that is going to change.
func (l Losses) clone() Losses {
	l = maps.Clone(l)
	for field, loss := range l {
		loss.Examples = slices.Clone(loss.Examples)
		l[field] = loss
	}
	return l
}
