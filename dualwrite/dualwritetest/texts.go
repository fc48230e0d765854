package dualwritetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/dualwrite/dualwrite/stores"
)

// texts tells which value stands for which text in one schedule: what is explored works on texts. The schedules begin at
// different values, so that a value of another schedule's record is none of this one.
type texts[K, V any] struct {
	c     *Config[K, V]
	key   K
	first int
	known []string // the i-th stands for value first+i
}

// errTexts: a schedule has more contents than the configuration has values.
var errTexts = fmt.Errorf("dualwritetest: a schedule has more than %d values", valueCount)

// value returns the value that stands for a text.
func (s *texts[K, V]) value(text string) (v V, err error) {
	for i, known := range s.known {
		if known == text {
			return s.number(i), nil
		}
	}
	if len(s.known) == valueCount {
		return v, errTexts
	}
	s.known = append(s.known, text)
	return s.number(len(s.known) - 1), nil
}

func (s *texts[K, V]) number(i int) V { return s.c.Value(s.key, (s.first+i)%valueCount) }

// text returns the text that a value stands for; for any other value it is one that nobody has written.
func (s *texts[K, V]) text(v V) string {
	for i := len(s.known) - 1; i >= 0; i-- {
		if s.c.equal(v, s.number(i)) {
			return s.known[i]
		}
	}
	var all []string
	for i, known := range s.known {
		all = append(all, fmt.Sprintf("%s: %s", known, s.c.diff(v, s.number(i))))
	}
	return fmt.Sprintf("a value which is none of these: %s", strings.Join(all, ", "))
}

// write is a write of a text as one of the value that stands for it.
func (s *texts[K, V]) write(w stores.Write[string, string]) (stores.Write[K, V], error) {
	mine := stores.Write[K, V]{Key: s.key, Record: stores.Record[V]{Meta: w.Record.Meta}, If: w.If, NotePrev: w.NotePrev}
	var err error
	if !w.Record.Deleted {
		mine.Record.Value, err = s.value(w.Record.Value)
	}
	return mine, err
}

// record is the inverse of what write does to a record.
func (s *texts[K, V]) record(r stores.Record[V]) stores.Record[string] {
	t := stores.Record[string]{Meta: r.Meta}
	if !r.Deleted || !reflect.ValueOf(&r.Value).Elem().IsZero() {
		t.Value = s.text(r.Value)
	}
	return t
}

// plain takes from an answer what differs from one key to the next, so that equal answers look equal.
func plain(err error) error {
	var neither *stores.PairError
	var refused *stores.ConditionError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &neither):
		return &stores.PairError{First: plain(neither.First), Second: plain(neither.Second)}
	case errors.As(err, &refused):
		return &stores.ConditionError{Stored: refused.Stored}
	case errors.Is(err, stores.ErrNotFound):
		return stores.ErrNotFound
	case errors.Is(err, errors.ErrUnsupported):
		return errors.ErrUnsupported
	default:
		return err
	}
}
