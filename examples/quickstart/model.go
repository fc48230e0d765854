package main

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// registerModel is what one record does, seen from outside: a register that holds a text, "" for no record. edited is
// shape.edited, for updates of which nobody knows what they were given.
func registerModel(initial string, edited func(text string, number int64) (string, error)) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return initial },
		Step: func(state, input, _ any) (bool, any) {
			e := input.(*event)
			if e.answer == unknown {
				return true, maybeNext(state.(string), e, edited)
			}
			ok, next := next(state.(string), e)
			return ok, next
		},
	}
}

// next tells whether the answer fits the state before the operation, and the state after it.
func next(state string, e *event) (fits bool, after string) {
	switch e.answer {
	case notFound:
		return state == "", state
	case exists:
		return state != "", state
	case wrongVersion:
		return state != e.saw || e.moved, state
	}
	switch e.kind {
	case opRead:
		return state == e.saw, state
	case opCreate:
		return state == "", e.wrote
	case opPut:
		return true, e.wrote
	case opUpdate, opPutIf:
		return state != "" && state == e.saw, e.wrote
	default: // opDelete
		return true, ""
	}
}

// maybeNext is the state after an operation with an unknown outcome, if it is applied here. That it never is, is the same
// as that it is applied after everything else: its end is at infinity.
func maybeNext(state string, e *event, edited func(string, int64) (string, error)) string {
	switch {
	case e.kind == opCreate && state != "", e.kind == opUpdate && state == "", e.kind == opPutIf && state != e.saw:
		return state
	case e.kind == opDelete:
		return ""
	case e.kind == opUpdate:
		after, err := edited(state, e.number)
		if err != nil {
			return state
		}
		return after
	default:
		return e.wrote
	}
}

// operations are events in porcupine's form.
func operations(events []event, include func(e *event) bool) []porcupine.Operation {
	ops := make([]porcupine.Operation, 0, len(events))
	for i := range events {
		e := &events[i]
		if e.answer == failed || !include(e) {
			continue
		}
		op := porcupine.Operation{Input: e, Call: int64(e.call), Return: int64(e.ret)}
		if e.answer == unknown {
			op.Return = math.MaxInt64
		}
		ops = append(ops, op)
	}
	return ops
}
