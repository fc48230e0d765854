package interleave

import (
	"fmt"
	"slices"
	"strings"

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
	if e.class == classOK && e.kind != Delete && e.kind != DeleteIf || e.class == classSeen {
		s += fmt.Sprintf(" %q", e.value)
	}
	return s
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
	var b strings.Builder
	fmt.Fprint(&b, from)
	for i, e := range history {
		fmt.Fprintf(&b, "|%v %v", e, e.alias)
		for j, f := range history {
			if i != j && f.ret < e.call {
				fmt.Fprintf(&b, ",%d", j)
			}
		}
	}
	return b.String()
}

// sorted is the history in the order of the calls.
func sorted(history []event) []event {
	history = slices.Clone(history)
	slices.SortStableFunc(history, func(a, b event) int { return int(a.call - b.call) })
	return history
}
