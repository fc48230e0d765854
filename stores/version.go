package stores

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// Stamp is what a write through the SDK gives a record: sortable, unique, never reused. It holds, big-endian, the Unix
// time in milliseconds (6 bytes), a counter (2 bytes) and the id of the writer (8 bytes), so that comparing stamps
// bytewise compares them in time; together the first 8 bytes are a hybrid logical clock. The zero Stamp is not valid.
type Stamp [16]byte

// stampOf builds a stamp from the two halves a [Clock] works with.
func stampOf(clock, writer uint64) (s Stamp) {
	binary.BigEndian.PutUint64(s[:8], clock)
	binary.BigEndian.PutUint64(s[8:], writer)
	return s
}

func (s Stamp) clock() uint64 { return binary.BigEndian.Uint64(s[:8]) }

// Time is the clock part of the stamp in UTC, in whole milliseconds. It may run ahead of the wall clock of the machine
// that wrote it: a stamp is above every stamp it was based on.
func (s Stamp) Time() time.Time { return time.UnixMilli(int64(s.clock() >> 16)).UTC() }

// Writer is the random id of the repository that made the stamp.
func (s Stamp) Writer() uint64 { return binary.BigEndian.Uint64(s[8:]) }

// Compare is -1, 0 or 1, bytewise.
func (s Stamp) Compare(t Stamp) int { return bytes.Compare(s[:], t[:]) }

// IsZero tells the invalid zero Stamp.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// String is the stamp as 32 lower-case hexadecimal digits, which sort as the stamps do.
func (s Stamp) String() string { return hex.EncodeToString(s[:]) }

// Version returns the stamp as a version.
func (s Stamp) Version() Version {
	if s.IsZero() {
		return Unknown
	}
	return Version{kind: kindStamped, clock: s.clock(), writer: s.Writer()}
}

type versionKind uint8

const (
	kindUnknown versionKind = iota
	kindAbsent
	kindUnstamped
	kindStamped
)

// Version says which version of a record is meant: none ([Absent]), a record that was there before the SDK
// ([Unstamped]), the one with a certain [Stamp], or [Unknown]. The order is Absent < Unstamped < every stamp, and
// stamps among themselves; a tombstone's stamp is a stamp like any other. Unknown, the zero value, equals nothing, not
// even itself: compare with [Version.Same] and [Version.Compare], not with ==.
//
// A record has the same version in both places of a migration, so that a version handed out (as an ETag, say) stays
// valid from the first phase to the last. Its text form ([Version.String], [ParseVersion]) is meant for that.
type Version struct {
	kind versionKind
	// clock and writer are the two halves of the stamp, as numbers: they stay in registers, and compare at once.
	clock, writer uint64
}

// The versions that are no stamp.
var (
	Unknown   = Version{}
	Absent    = Version{kind: kindAbsent}
	Unstamped = Version{kind: kindUnstamped}
)

// IsUnknown tells the version that equals nothing.
func (v Version) IsUnknown() bool { return v.kind == kindUnknown }

// IsAbsent tells the version of a record that is not there.
func (v Version) IsAbsent() bool { return v.kind == kindAbsent }

// IsUnstamped tells the version of a record that no SDK has written yet.
func (v Version) IsUnstamped() bool { return v.kind == kindUnstamped }

// Stamp returns the stamp, and whether the version is one.
func (v Version) Stamp() (Stamp, bool) {
	if v.kind != kindStamped {
		return Stamp{}, false
	}
	return stampOf(v.clock, v.writer), true
}

// Same tells whether both are the same known version.
func (v Version) Same(w Version) bool { return v.kind != kindUnknown && v == w }

// Compare is -1, 0 or 1 in the order of stored versions. Unknown sorts below everything, for sorting only: it is no
// stored version and no condition takes it.
func (v Version) Compare(w Version) int {
	if c := cmp.Compare(v.kind, w.kind); c != 0 {
		return c
	}
	if c := cmp.Compare(v.clock, w.clock); c != 0 {
		return c
	}
	return cmp.Compare(v.writer, w.writer)
}

// Newer tells whether v comes after w; an unknown version neither is newer than anything nor older.
func (v Version) Newer(w Version) bool {
	return v.kind != kindUnknown && w.kind != kindUnknown && v.Compare(w) > 0
}

// String is "unknown", "absent", "unstamped", or the stamp as 32 hexadecimal digits.
func (v Version) String() string {
	switch v.kind {
	case kindAbsent:
		return "absent"
	case kindUnstamped:
		return "unstamped"
	case kindStamped:
		return stampOf(v.clock, v.writer).String()
	default:
		return "unknown"
	}
}

// ParseVersion is the inverse of [Version.String].
func ParseVersion(s string) (Version, error) {
	switch s {
	case "unknown":
		return Unknown, nil
	case "absent":
		return Absent, nil
	case "unstamped":
		return Unstamped, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Stamp{}) || Stamp(b).IsZero() {
		return Unknown, fmt.Errorf("stores: %q is no version: want unknown, absent, unstamped or 32 hexadecimal digits that are not all zero", s)
	}
	return Stamp(b).Version(), nil
}

// MarshalText is [Version.String], for JSON and configuration.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is [ParseVersion].
func (v *Version) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVersion(string(text))
	return err
}

// AppendBinary appends the version's binary form for stores that keep bytes: one byte of kind, then for a stamp its 16
// bytes. It never fails; the error is there for [encoding.BinaryAppender].
func (v Version) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, byte(v.kind))
	if v.kind == kindStamped {
		b = binary.BigEndian.AppendUint64(b, v.clock)
		b = binary.BigEndian.AppendUint64(b, v.writer)
	}
	return b, nil
}

// CutVersion reads one binary version off the front of b and returns it with the rest.
func CutVersion(b []byte) (Version, []byte, error) {
	if len(b) == 0 || versionKind(b[0]) > kindStamped {
		return Unknown, nil, fmt.Errorf("stores: no version at the start of % x", b[:min(len(b), 17)])
	}
	v := Version{kind: versionKind(b[0])}
	b = b[1:]
	if v.kind != kindStamped {
		return v, b, nil
	}
	if len(b) < len(Stamp{}) {
		return Unknown, nil, fmt.Errorf("stores: a stamp has 16 bytes, here are %d", len(b))
	}
	v = Stamp(b[:16]).Version()
	if v.IsUnknown() {
		return Unknown, nil, fmt.Errorf("stores: the zero stamp is not valid")
	}
	return v, b[16:], nil
}
