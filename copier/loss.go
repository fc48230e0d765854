package copier

import (
	"cmp"
	"fmt"
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
	// Before and After are the field in old and in new, for people; empty where new does not get it at all.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

const (
	// maxLosses bounds how many fields are told apart: they may be named after data.
	maxLosses = 100
	// maxExamples bounds the examples of each, and maxReasons how many fields are a reason of their own.
	maxExamples = 3
	maxReasons  = 10
)

// The names in [Losses] that are no field's. AcceptLoss takes them too.
const (
	// OtherFields counts all fields beyond the first hundred, but for those that AcceptLoss names.
	OtherFields = "(other fields)"
	// WholeValue is a value without fields.
	WholeValue = "(value)"
)

// lostFields are the fields that one record loses: those left behind by their name, or those changed.
type lostFields struct {
	canon   []byte
	fields  []string
	changed []stores.Difference
}

func (l *Losses) add(lost lostFields, accepted []string) {
	if *l == nil {
		*l = make(Losses)
	}
	other := false
	take := func(field string, show func() (string, string)) {
		_, known := (*l)[field]
		if !known && len(*l) >= maxLosses && !slices.Contains(accepted, field) {
			other = true
			return
		}
		l.count(field, lost.canon, show)
	}
	for _, field := range lost.fields {
		take(field, nil)
	}
	for _, d := range lost.changed {
		take(cmp.Or(d.Path, WholeValue), d.Shown)
	}
	if other {
		l.count(OtherFields, lost.canon, nil)
	}
}

func (l Losses) count(field string, canon []byte, show func() (before, after string)) {
	loss := l[field]
	loss.Records++
	if len(loss.Examples) < maxExamples {
		e := Example{Key: slices.Clone(canon), Shown: stores.FormatKey(canon)}
		if show != nil {
			e.Before, e.After = show()
		}
		loss.Examples = append(loss.Examples, e)
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

// lossReasons are the fields that get lost and that nobody has accepted, of this pass and of the copy before it.
func (r *Report) lossReasons() (why []string) {
	if r.Copied != nil {
		why = r.Copied.lostBut(r.LossAccepted)
	}
	return append(why, r.lostBut(r.LossAccepted)...)
}

func (r *Report) lostBut(accepted []string) []string {
	why := r.Unmapped.reasons(accepted, func(field string, l Loss, e Example) string {
		return fmt.Sprintf("%s of %d records stays behind in old, as that of %s: let V hold it, or name it in AcceptLoss", field, l.Records, e.Shown)
	})
	return append(why, r.ChangedFields.reasons(accepted, func(field string, l Loss, e Example) string {
		return fmt.Sprintf("%s of %d records is another one in new, as that of %s, %s in old and %s in new: "+
			"write what both places can hold, or name it in AcceptLoss", field, l.Records, e.Shown, e.Before, e.After)
	})...)
}

func (l Losses) reasons(accepted []string, say func(string, Loss, Example) string) (why []string) {
	more := 0
	for _, field := range slices.Sorted(maps.Keys(l)) {
		switch loss := l[field]; {
		case slices.Contains(accepted, field):
		case len(why) == maxReasons:
			more++
		default:
			var first Example
			if len(loss.Examples) > 0 {
				first = loss.Examples[0]
			}
			why = append(why, say(field, loss, first))
		}
	}
	if more > 0 {
		why = append(why, fmt.Sprintf("and so it is with %d more fields", more))
	}
	return why
}

// changes finds values that a store can not hold as they are.
type changes[K, V any] struct {
	trip  stores.RoundTripper[K, V] // nil if the store has no codec of its own
	equal func(a, b V) bool
}

func newChanges[K, V any](s stores.Store[K, V], equal func(a, b V) bool) changes[K, V] {
	c := changes[K, V]{equal: equal}
	if equal == nil {
		c.equal = stores.DeepEqual[V]
	}
	c.trip, _ = s.(stores.RoundTripper[K, V])
	return c
}

// of are the fields of a value that the store would give back as another one. There are none of a value that the codec refuses:
// writing it says so better.
func (c *changes[K, V]) of(key K, v V) []stores.Difference {
	if c.trip == nil {
		return nil
	}
	back, err := c.trip.RoundTrip(key, v)
	if err != nil || c.equal(v, back) {
		return nil
	}
	return differences(v, back)
}
