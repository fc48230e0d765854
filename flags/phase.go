package flags

import (
	"fmt"
	"strings"
)

// Phase is what one operation does. A migration walks through the four in order; two neighbours may be in use by
// different instances at the same moment, never more. The zero Phase is none.
type Phase uint8

// The phases. Their text, which is the value of the flag, is [Phase.String].
const (
	// OldOnly, "old-only": reads and writes go to the old place.
	OldOnly Phase = iota + 1
	// ReadOldWriteBoth, "read-old/write-both": the old place decides, writes are mirrored to the new one.
	ReadOldWriteBoth
	// ReadNewWriteBoth, "read-new/write-both": the new place decides, the old one is kept in step for a way back.
	ReadNewWriteBoth
	// NewOnly, "new-only": reads and writes go to the new place.
	NewOnly
)

var names = [...]string{
	OldOnly:          "old-only",
	ReadOldWriteBoth: "read-old/write-both",
	ReadNewWriteBoth: "read-new/write-both",
	NewOnly:          "new-only",
}

// Phases are the four in the order of a migration.
func Phases() []Phase { return []Phase{OldOnly, ReadOldWriteBoth, ReadNewWriteBoth, NewOnly} }

// Valid tells whether p is one of the four.
func (p Phase) Valid() bool { return p >= OldOnly && p <= NewOnly }

// Adjacent tells whether p and q are the same or neighbours: phases that instances may be in at the same moment.
func (p Phase) Adjacent(q Phase) bool {
	return p.Valid() && q.Valid() && max(p, q)-min(p, q) <= 1
}

// withNeighbours is text: p and the phases next to it.
func (p Phase) withNeighbours() string {
	var texts []string
	for _, q := range Phases() {
		if q.Adjacent(p) {
			texts = append(texts, q.String())
		}
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}

// String is the flag value, or "unknown".
func (p Phase) String() string {
	if !p.Valid() {
		return "unknown"
	}
	return names[p]
}

// ParsePhase is the inverse of [Phase.String] for the four phases, to the letter.
func ParsePhase(s string) (Phase, error) {
	for _, p := range Phases() {
		if names[p] == s {
			return p, nil
		}
	}
	return 0, fmt.Errorf("flags: %q is no phase: want %q, %q, %q or %q", abbreviate(s, 100), names[OldOnly], names[ReadOldWriteBoth], names[ReadNewWriteBoth], names[NewOnly])
}

// MarshalText is [Phase.String].
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is [ParsePhase]; "unknown" and the empty text give the zero Phase.
func (p *Phase) UnmarshalText(text []byte) (err error) {
	if s := string(text); s == "" || s == "unknown" {
		*p = 0
		return nil
	}
	*p, err = ParsePhase(string(text))
	return err
}
