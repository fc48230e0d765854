package interleave

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// state is one key as its users see it.
type state struct {
	live  bool
	value string
}

func (s state) String() string {
	if !s.live {
		return "nothing"
	}
	return fmt.Sprintf("%q", s.value)
}

// event is one operation of a history, as the model sees it.
type event struct {
	client    int
	kind      Kind
	id        string
	want      string // the content that a PutIf or DeleteIf requires
	alias     bool   // that content has had other versions too, so that the one required may be outdated
	class     class
	value     string
	call, ret int64
}

// never is when an operation ends whose outcome is not known.
const never = int64(1) << 40

// String is the event without its times.
func (e event) String() string {
	s := fmt.Sprintf("%s %s", e.kind, e.id)
	if e.want != "" {
		s += fmt.Sprintf(" if it is %q", e.want)
	}
	s += " → " + string(e.class)
	if e.answers() {
		s += fmt.Sprintf(" %q", e.value)
	}
	return s
}

// answers tells whether the value is a part of the answer.
func (e event) answers() bool {
	return e.class == classOK && e.kind != Delete && e.kind != DeleteIf || e.class == classSeen
}

// step carries an event out in a state, or tells that it can not have happened there.
func step(s state, e event) (bool, state) {
	switch e.class {
	case classNotFound:
		return !s.live, s
	case classExists:
		return s.live, s
	case classSeen:
		return s.live && s.value == e.value, s
	case classVersion:
		return !s.live || s.value != e.want || e.alias, s
	case classOK:
		ok, next := effect(s, e)
		return ok && (!next.live || next.value == e.value), next
	case classUnknown:
		return effect(s, e)
	default:
		return false, s
	}
}

// effect is what an operation does that succeeds.
func effect(s state, e event) (bool, state) {
	switch e.kind {
	case Get, GetMany, Scan:
		return s.live && s.value == e.value, s
	case Put:
		return true, state{true, e.id}
	case Create:
		return !s.live, state{true, e.id}
	case Update:
		return s.live, state{true, s.value + "+" + e.id}
	case Upsert:
		if !s.live {
			return true, state{true, e.id}
		}
		return true, state{true, s.value + "+" + e.id}
	case Delete:
		return true, state{}
	case PutIf:
		return s.live && s.value == e.want, state{true, e.id}
	case DeleteIf:
		return s.live && s.value == e.want, state{}
	default:
		return false, s
	}
}

// linearizable tells whether there is an order of the events that explains all of them. One whose outcome is not known
// has happened or has not.
func linearizable(from state, history []event) bool {
	var known, open []event
	for _, e := range history {
		if e.class == classUnknown {
			open = append(open, e)
		} else {
			known = append(known, e)
		}
	}
	model := porcupine.Model{
		Init: func() any { return from },
		Step: func(s, in, _ any) (bool, any) { return step(s.(state), in.(event)) },
	}
	for set := range 1 << len(open) {
		var ops []porcupine.Operation
		for _, e := range known {
			ops = append(ops, porcupine.Operation{ClientId: e.client, Input: e, Call: e.call, Return: e.ret})
		}
		for i, e := range open {
			if set&(1<<i) != 0 {
				ops = append(ops, porcupine.Operation{ClientId: e.client, Input: e, Call: e.call, Return: never})
			}
		}
		if porcupine.CheckOperations(model, ops) {
			return true
		}
	}
	return false
}

// fingerprint is equal for histories that have the same verdict: the events and which of them ended before which began.
func fingerprint(from state, history []event) string {
	b := make([]byte, 0, 32+48*len(history))
	b = appendText(appendBools(b, from.live), from.value)
	for i, e := range history {
		b = appendText(b, string(e.kind), e.id, e.want, string(e.class))
		if e.answers() {
			b = appendText(b, e.value)
		}
		b = appendBools(b, e.alias)
		for j, f := range history {
			if i != j && f.ret < e.call {
				b = append(b, byte(j))
			}
		}
		b = append(b, 0xff) // which is no j
	}
	return string(b)
}

// appendText appends texts so that they can be told apart.
func appendText(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// sorted is the history in the order of the calls.
func sorted(history []event) []event {
	history = slices.Clone(history)
	slices.SortStableFunc(history, func(a, b event) int { return int(a.call - b.call) })
	return history
}
