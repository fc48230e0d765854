package copier

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Report says what a pass did and found. Its JSON form has two more keys, "clean" and "reasons".
type Report struct {
	// Op is "copy", "verify", "repair" or "finish"; Job is that of the options.
	Op  string `json:"op"`
	Job string `json:"job,omitempty"`
	// Run identifies the pass over all its interruptions.
	Run string `json:"run"`
	// Started is before the first read of the pass, Ended after the last of this call.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Resumed counts how often the pass went on after an interruption.
	Resumed int `json:"resumed"`
	// After is the run of the finished pass that the checkpoint was of when this one began, if there was one.
	After string `json:"after,omitempty"`
	// ResumedAt is when the pass went on for the last time; zero if it was never interrupted.
	ResumedAt time.Time `json:"resumed_at,omitzero"`
	// MirroringSince and EmptyAllowed are what the options of the last call said.
	MirroringSince time.Time `json:"mirroring_since,omitzero"`
	EmptyAllowed   bool      `json:"empty_allowed,omitempty"`
	// Finished tells that every record there was has been dealt with.
	Finished bool `json:"finished"`
	// Pending counts keys that still have to be looked at again.
	Pending int `json:"pending"`

	Counts

	// Unmapped are fields of records of old that a Copy left behind as V does not map them, or changed as V does not give them
	// back as they are stored (a null in a field that is no pointer, 2⁵³+1 in a float64); "address.zip" is one within another. If
	// they belong to the record, let V hold them, and copy again to an empty place. Known of stores that can tell
	// (stores.ExactScanner). Only a Copy looks for them.
	Unmapped Losses `json:"unmapped,omitempty"`
	// ChangedFields are the fields of the values counted in Changed, by their names in Go, with what they are in both places. (A
	// Copy compares what old gave with what new would give back.)
	ChangedFields Losses `json:"changed_fields,omitempty"`
	// LossAccepted is the AcceptLoss of the last call.
	LossAccepted []string `json:"loss_accepted,omitempty"`
	// Copied is the copy before this verify pass in the same [CopyAndVerify], without its lists: what it has lost is a reason
	// of the verify pass too.
	Copied *Report `json:"copied,omitempty"`

	// Found counts the findings by kind, repaired ones included.
	Found map[Kind]int64 `json:"found"`
	// Findings are the first of them, as many as the options say.
	Findings []Finding `json:"findings,omitempty"`
	// ChangedKeys are the canonical keys of the first values counted in Changed.
	ChangedKeys [][]byte `json:"changed_keys,omitempty"`

	// Earlier are the verify passes before this one in the same [CopyAndVerify], the first one first, without their lists:
	// what they found and repaired.
	Earlier []Report `json:"earlier,omitempty"`
}

// andEarlier are the passes before this one, and this one without its lists.
func (r Report) andEarlier() []Report {
	return append(slices.Clone(r.Earlier), r.brief())
}

// brief is the report without its lists.
func (r Report) brief() Report {
	r.Findings, r.ChangedKeys, r.Earlier, r.Copied = nil, nil, nil, nil
	return r
}

// Counts are in records.
type Counts struct {
	// Read counts the records that were visited, tombstones and undecodable ones included; of a Verify those of both
	// places, of a Repair the keys given.
	Read int64 `json:"read"`
	// Applied counts the records that a Copy wrote to new.
	Applied int64 `json:"applied"`
	// AlreadyThere counts those that a Copy did not have to write, as new has that version already, or a newer one. Their
	// contents were not looked at: that is what Verify is for.
	AlreadyThere int64 `json:"already_there"`
	// Same counts the records that a Verify compared and found equal, and those that a Repair found in order.
	Same int64 `json:"same"`
	// Repaired counts the records that a Repair, or a Verify with one, set right by a write.
	Repaired int64 `json:"repaired"`
	// Purged counts the tombstones that a Finish removed and the records that it took the metadata off.
	Purged int64 `json:"purged"`
	// Plain counts the records on which a Finish found no metadata.
	Plain int64 `json:"plain"`
	// LiveAgain counts the records that were written again and again while a Finish tried to purge them.
	LiveAgain int64 `json:"live_again"`
	// Changed counts the values that are not the same in both places and cannot be, as one of them cannot hold what the other
	// one can: a Copy those that new would give back as others, a Verify those under one version that only are equal after a
	// round trip through both codecs, as a time with nanoseconds beside one with milliseconds.
	Changed int64 `json:"changed"`
	// Retried counts writes that were sent again.
	Retried int64 `json:"retried"`
	// Unmirrored counts records that a service wrote to old while the pass was running, and that were not in new a second
	// later. Mirrors can be missed; if most are, the pass ends with ErrNotMirrored.
	Unmirrored int64 `json:"unmirrored"`
	// Expired counts the records from before the SDK that were passed over, as they have expired: they are not in Read. Of a
	// Verify it counts those of both places.
	Expired int64 `json:"expired"`
	// LongExpired counts the records whose expiry is more than five years past. DynamoDB keeps these for ever, and its store reads
	// them as live; MongoDB removes them. Look whether the expiry is in seconds, and what stands for "never".
	LongExpired int64 `json:"long_expired"`
}

func (c *Counts) add(d *Counts) {
	c.Read += d.Read
	c.Applied += d.Applied
	c.AlreadyThere += d.AlreadyThere
	c.Same += d.Same
	c.Repaired += d.Repaired
	c.Purged += d.Purged
	c.Plain += d.Plain
	c.LiveAgain += d.LiveAgain
	c.Changed += d.Changed
	c.Retried += d.Retried
	c.Unmirrored += d.Unmirrored
	c.Expired += d.Expired
	c.LongExpired += d.LongExpired
}

// Clean tells whether the pass went over everything and found nothing that is not as it should be. A difference that
// was found and repaired is a finding: verify again.
func (r Report) Clean() bool { return len(r.Reasons()) == 0 }

// Reasons are what keeps the report from being clean, one line each; none if it is.
func (r Report) Reasons() []string { return append(r.differences(), r.lossReasons()...) }

// differences are the reasons that another pass may not find any more.
func (r *Report) differences() []string {
	var why []string
	if !r.Finished {
		why = append(why, "the pass has not finished")
	}
	if r.Finished && r.Read == 0 && !r.EmptyAllowed && r.Op != opRepair {
		why = append(why, r.nothing()+": look whether this is the right place (AllowEmpty says that it may be empty)")
	}
	if s := r.unproven(); s != "" {
		why = append(why, s)
	}
	if r.Pending > 0 {
		why = append(why, fmt.Sprintf("%d records have to be looked at again", r.Pending))
	}
	for _, k := range slices.Sorted(maps.Keys(r.Found)) {
		why = append(why, fmt.Sprintf("%d %s", r.Found[k], k))
	}
	if r.Op == opVerify && r.Unmirrored > 0 {
		why = append(why, fmt.Sprintf("%d of them were written since the pass began: do all services mirror, or is the flag still at old-only?", r.Unmirrored))
	}
	if r.LiveAgain > 0 {
		why = append(why, fmt.Sprintf("%d records were written meanwhile and still have metadata", r.LiveAgain))
	}
	return why
}

// nothing says that no record was read.
func (r *Report) nothing() string {
	if r.Expired > 0 {
		return fmt.Sprintf("nothing was read, as all %d records have expired", r.Expired)
	}
	return "nothing was read"
}

// unproven says why what the pass read is no evidence of how the places are now; "" if it is.
func (r Report) unproven() string {
	switch {
	case r.Op != opCopy && r.Op != opVerify:
		return ""
	case r.MirroringSince.IsZero() && r.Resumed > 0:
		return fmt.Sprintf("resumed at %s: writers may have left the phases that write both while it was interrupted, so what was read before proves nothing "+
			"(begin a new verify, or say with MirroringSince since when all writers mirror)", r.ResumedAt.Format(time.RFC3339))
	case r.Started.Before(r.MirroringSince):
		return fmt.Sprintf("it began at %s, before all writers were mirroring at %s", r.Started.Format(time.RFC3339), r.MirroringSince.Format(time.RFC3339))
	}
	return ""
}

// plainReport has no methods, so that encoding it does not come back to Report.MarshalJSON.
type plainReport Report

// MarshalJSON adds "clean" and "reasons".
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		plainReport
		Clean   bool     `json:"clean"`
		Reasons []string `json:"reasons"`
	}{plainReport(r), r.Clean(), append([]string{}, r.Reasons()...)})
}

// UnmarshalJSON is the inverse.
func (r *Report) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*plainReport)(r)) }
