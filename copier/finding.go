package copier

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/dualwrite/dualwrite/stores"
)

// Kind says what is the matter with a record.
type Kind string

// The kinds of findings.
const (
	// KindMissing: old has a record or tombstone, new has nothing.
	KindMissing Kind = "missing"
	// KindStale: old has a newer version than new, which new can still get: a final record, or an intent to complete.
	KindStale Kind = "stale"
	// KindNewAhead: both have a record and new's is newer. An instance in new-only has written, or old has lost a write.
	KindNewAhead Kind = "new-ahead"
	// KindDeadIntent: old has an intent that can never commit, as new has moved past its base.
	KindDeadIntent Kind = "dead-intent"
	// KindLost: old has an intent based on a version that new does not have any more: new has lost data.
	KindLost Kind = "lost"
	// KindForeign: both have the same version and different contents: someone wrote past the SDK.
	KindForeign Kind = "foreign-change"
	// KindExtra: new has a record and old has nothing at all. (A tombstone on new and nothing on old are the same
	// answer, and no finding.)
	KindExtra Kind = "extra"
	// KindUndecodable: a place holds something under the key that is no valid record.
	KindUndecodable Kind = "undecodable"
	// KindUnsettled: the record moved each time it was looked at, so that it never could be judged.
	KindUnsettled Kind = "unsettled"
	// KindRejected: a place refuses the record permanently: too large, a validator, a unique index.
	KindRejected Kind = "rejected"
	// KindFailed: reading or writing the record failed each time, for reasons that may pass.
	KindFailed Kind = "failed"
	// KindIntent: Finish found an intent, which only exists while somebody writes both places or after a crash there.
	KindIntent Kind = "intent"
)

// The names of the two places in findings.
const (
	placeOld = "old"
	placeNew = "new"
)

// Finding is one record that is not as it should be.
type Finding struct {
	Kind Kind
	// Key is the canonical key; [stores.FormatKey] shows it, the KeyCodec of the store parses it.
	Key []byte
	// Place is "old" or "new" where the finding is about one of them, else empty.
	Place string
	// Old and New are the metadata that was seen; the zero Meta where that place was not read.
	Old, New stores.Meta
	// Repaired tells that the difference was there and has been removed by this pass.
	Repaired bool
	// Err is the cause, or why the record was not repaired; nil where the kind says it all.
	Err error
}

// String is one line for people.
func (f Finding) String() string {
	s := fmt.Sprintf("%s %s", f.Kind, stores.FormatKey(f.Key))
	if f.Place != "" {
		s += " (" + f.Place + ")"
	}
	if !f.Old.Version.IsUnknown() || !f.New.Version.IsUnknown() {
		s += fmt.Sprintf(" old=%s new=%s", showMeta(f.Old), showMeta(f.New))
	}
	if f.Repaired {
		s += " repaired"
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

func showMeta(m stores.Meta) string {
	s := m.Version.String()
	if m.Deleted {
		s += "(tombstone)"
	}
	if m.Intent {
		s += "(intent)"
	}
	return s
}

// Keys yields the canonical keys of findings, as [Repair] takes them.
func Keys(findings []Finding) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, f := range findings {
			if !yield(f.Key, nil) {
				return
			}
		}
	}
}

// findingJSON is the form of a finding in files: the key both exact (base64) and readable.
type findingJSON struct {
	Kind     Kind      `json:"kind"`
	Key      []byte    `json:"key"`
	Shown    string    `json:"shown"`
	Place    string    `json:"place,omitempty"`
	Old      *metaJSON `json:"old,omitempty"`
	New      *metaJSON `json:"new,omitempty"`
	Repaired bool      `json:"repaired,omitempty"`
	Err      string    `json:"error,omitempty"`
}

type metaJSON struct {
	Version stores.Version `json:"version"`
	Prev    stores.Version `json:"prev"`
	Intent  bool           `json:"intent,omitempty"`
	Deleted bool           `json:"deleted,omitempty"`
}

// MarshalJSON writes the key exactly (base64, "key") and for people ("shown").
func (f Finding) MarshalJSON() ([]byte, error) {
	j := findingJSON{
		Kind: f.Kind, Key: f.Key, Shown: stores.FormatKey(f.Key), Place: f.Place,
		Old: toJSON(f.Old), New: toJSON(f.New), Repaired: f.Repaired,
	}
	if f.Err != nil {
		j.Err = f.Err.Error()
	}
	return json.Marshal(j)
}

// UnmarshalJSON is the inverse, but that of Err only the text is left.
func (f *Finding) UnmarshalJSON(b []byte) error {
	var j findingJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*f = Finding{Kind: j.Kind, Key: j.Key, Place: j.Place, Old: fromJSON(j.Old), New: fromJSON(j.New), Repaired: j.Repaired}
	if j.Err != "" {
		f.Err = errors.New(j.Err)
	}
	return nil
}

func toJSON(m stores.Meta) *metaJSON {
	if m.Version.IsUnknown() {
		return nil
	}
	return &metaJSON{Version: m.Version, Prev: m.Prev, Intent: m.Intent, Deleted: m.Deleted}
}

func fromJSON(m *metaJSON) stores.Meta {
	if m == nil {
		return stores.Meta{}
	}
	return stores.Meta{Version: m.Version, Prev: m.Prev, Intent: m.Intent, Deleted: m.Deleted}
}
