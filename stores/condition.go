package stores

import "fmt"

// ConditionKind names one of the three conditions.
type ConditionKind uint8

// The conditions; the constructors [IfStamp], [IfOlder] and [IfAtMost] say when each holds.
const (
	KindIfStamp ConditionKind = iota + 1
	KindIfOlder
	KindIfAtMost
)

// Condition says which stored versions a write may replace. Stores that can run code next to the data ask
// [Condition.Holds]; the others translate the fields into their own query language.
type Condition struct {
	Kind    ConditionKind
	Version Version
	// OrDead is for KindIfAtMost alone: a stamp that may be replaced although it is greater. Unknown if there is none.
	OrDead Version
}

// IfStamp holds when the stored record has exactly version v: that stamp, or is absent or unstamped if v says so.
func IfStamp(v Version) Condition { return Condition{Kind: KindIfStamp, Version: v} }

// IfOlder holds when the stored record is older than t in the order of versions: with a stamp when the record is absent,
// unstamped or has a smaller stamp; with Unstamped only when it is absent. IfOlder(Absent) is invalid.
func IfOlder(t Version) Condition { return Condition{Kind: KindIfOlder, Version: t} }

// IfAtMost holds when the stored version is at most s, or is exactly the stamp dead (give [Unknown] for none).
func IfAtMost(s, dead Version) Condition {
	return Condition{Kind: KindIfAtMost, Version: s, OrDead: dead}
}

// Holds tells whether a record stored with this version may be replaced. It is the definition that every store has to
// match; an unknown stored version satisfies nothing.
func (c Condition) Holds(stored Version) bool {
	if stored.IsUnknown() {
		return false
	}
	switch c.Kind {
	case KindIfStamp:
		return stored.Same(c.Version)
	case KindIfOlder:
		return c.Version.Newer(stored)
	case KindIfAtMost:
		return stored.Same(c.Version) || c.Version.Newer(stored) || stored.Same(c.OrDead)
	default:
		return false
	}
}

// Validate reports a condition that can not be meant.
func (c Condition) Validate() error {
	switch {
	case c.Kind < KindIfStamp || c.Kind > KindIfAtMost:
		return fmt.Errorf("stores: a write needs a condition: IfStamp, IfOlder or IfAtMost")
	case c.Version.IsUnknown():
		return fmt.Errorf("stores: %v: an unknown version equals nothing and can not be a condition", c)
	case c.Kind == KindIfOlder && c.Version.IsAbsent():
		return fmt.Errorf("stores: IfOlder(absent) can never hold")
	case c.Kind != KindIfAtMost && !c.OrDead.IsUnknown():
		return fmt.Errorf("stores: %v: only IfAtMost takes a dead stamp", c)
	case c.OrDead.IsAbsent() || c.OrDead.IsUnstamped():
		return fmt.Errorf("stores: %v: what may be dead is a stamp", c)
	}
	return nil
}

// String is the condition as the docs write it.
func (c Condition) String() string {
	switch c.Kind {
	case KindIfStamp:
		return "IfStamp(" + c.Version.String() + ")"
	case KindIfOlder:
		return "IfOlder(" + c.Version.String() + ")"
	case KindIfAtMost:
		if c.OrDead.IsUnknown() {
			return "IfAtMost(" + c.Version.String() + ")"
		}
		return "IfAtMost(" + c.Version.String() + ", or dead " + c.OrDead.String() + ")"
	default:
		return "no condition"
	}
}
