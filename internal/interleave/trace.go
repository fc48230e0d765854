package interleave

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dualwrite/dualwrite/stores"
)

// trace is a schedule told step by step. A nil trace takes no notes.
type trace struct{ lines []string }

func (t *trace) add(format string, args ...any) {
	if t != nil {
		t.lines = append(t.lines, fmt.Sprintf(format, args...))
	}
}

// call tells one call: who, what, on which condition, what was there, and what was answered.
func (t *trace) call(ch choice, before []record, ans answer) {
	if t == nil {
		return
	}
	c := ch.call
	who := c.from.who()
	if ch.late > 0 {
		who += ", in flight since"
	}
	line := fmt.Sprintf("%-8s %-28s reads %v", ch.token(), who, c.place)
	if c.put != nil {
		line = fmt.Sprintf("%-8s %-28s puts %s to %v %s", ch.token(), who, describe(c.put.Record), c.place, condition(c.put.If))
	}
	if c.with != nil {
		line += fmt.Sprintf(", to new %s", condition(c.with.If))
	}
	var held []string
	for _, rec := range before {
		held = append(held, describe(rec))
	}
	line += fmt.Sprintf(" [holds %s] → %s", strings.Join(held, ", "), ans.text(c))
	if ch.fault != None {
		line += " (" + faultNames[ch.fault] + ")"
	}
	t.add("%s", line)
}

// ended tells what an operation answered.
func (t *trace) ended(a *actor, o *op) {
	if t != nil {
		t.add("%-8s %-28s answers %s", "", fmt.Sprintf("%s %s %s", a.letter(), short(a.Phase), o.kind), o.out)
	}
}

// who is the actor with the operation that it is at.
func (a *actor) who() string {
	o := a.current()
	if o == nil {
		return a.letter()
	}
	return fmt.Sprintf("%s %s %s %s", a.letter(), short(a.Phase), o.kind, o.id)
}

func (o outcome) String() string {
	s := string(o.class)
	if o.err != nil {
		s += " (" + o.err.Error() + ")"
	} else if o.value != "" {
		s += fmt.Sprintf(" %q", o.value)
	}
	if !o.version.IsUnknown() {
		s += " " + stamp(o.version)
	}
	return s
}

// text is the answer as people read it.
func (a answer) text(c *call) string {
	var refused *stores.ConditionError
	var pair *stores.PairError
	switch {
	case errors.As(a.err, &pair):
		return "neither: " + pair.Error()
	case errors.As(a.err, &refused):
		return "refused"
	case errors.Is(a.err, errOver):
		return "no answer"
	case errors.Is(a.err, stores.ErrNotFound):
		return "nothing"
	case a.err != nil:
		return a.err.Error()
	case c.put != nil:
		return "stored"
	default:
		return describe(a.rec)
	}
}

// describe is a record in one line.
func describe(r record) string {
	if r.Version.IsAbsent() {
		return "nothing"
	}
	s := "{" + stamp(r.Version)
	if r.Deleted {
		s += " deleted"
	} else {
		s += fmt.Sprintf(" %q", r.Value)
	}
	if !r.Prev.IsUnknown() {
		s += " prev " + stamp(r.Prev)
	}
	if r.Intent {
		s += " intent"
	}
	return s + "}"
}

// stamp is a version as writer, clock: "a1+1000ms" is the second stamp that a made with a clock one second ahead.
func stamp(v stores.Version) string {
	s, ok := v.Stamp()
	if !ok {
		return v.String()
	}
	who := "s"
	if s.Writer() != startWriter {
		who = string(rune('a' + s.Writer() - 1))
	}
	at := fmt.Sprintf("%s%d", who, uint16(s[6])<<8|uint16(s[7]))
	if ms := s.Time().Sub(bubbleStart).Milliseconds(); ms != 0 && who != "s" {
		at += fmt.Sprintf("%+dms", ms)
	}
	return at
}

func condition(c stores.Condition) string {
	v := stamp(c.Version)
	switch {
	case c.Kind == stores.KindIfStamp:
		return "if it is " + v
	case c.Kind == stores.KindIfOlder:
		return "if older than " + v
	case c.OrDead.IsUnknown():
		return "if at most " + v
	default:
		return "if at most " + v + " or dead " + stamp(c.OrDead)
	}
}

func (t *trace) String() string {
	if t == nil {
		return ""
	}
	return strings.Join(t.lines, "\n")
}
