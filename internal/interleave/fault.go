package interleave

// Fault is what happens to a store call, and to the actor that made it.
type Fault byte

// The faults. A write that is hit by Crash, Timeout or Cancel stays in flight: the scheduler may let it arrive at any
// later moment, or never.
const (
	// None: the call is carried out and answered.
	None Fault = iota
	// Crash: the actor is never heard of again.
	Crash
	// Timeout: the answer is an error that does not tell the outcome.
	Timeout
	// Cancel: the caller's context is cancelled while the call is under way, and the answer is the context's error.
	Cancel
	// CancelAfter: the call is carried out and answered, and the caller's context is cancelled.
	CancelAfter
	// Reject: the store refuses the record for good. Writes only.
	Reject
	// Busy: the store answers that it did nothing and that the call may be repeated. Writes only.
	Busy

	faults
)

// letters are the faults in a schedule.
var letters = [faults]string{None: "", Crash: "x", Timeout: "t", Cancel: "c", CancelAfter: "d", Reject: "r", Busy: "b"}

var words = [faults]string{
	None: "none", Crash: "crash", Timeout: "timeout", Cancel: "cancel", CancelAfter: "cancel after", Reject: "reject", Busy: "busy",
}

// String is the fault in the name of a scenario.
func (f Fault) String() string { return words[f] }

// Faults are all there are, None first.
func Faults() (list []Fault) {
	for f := None; f < faults; f++ {
		list = append(list, f)
	}
	return list
}

var faultNames = [faults]string{
	Crash: "the actor crashes", Timeout: "the call times out", Cancel: "the caller gives up during the call",
	CancelAfter: "the caller gives up after the call", Reject: "the store rejects the record", Busy: "the store is busy",
}

// possible tells whether a fault changes anything for a call.
func (f Fault) possible(c *call) bool {
	switch f {
	case Reject, Busy:
		return c.put != nil
	case Cancel, CancelAfter:
		return !c.from.cancelled
	default:
		return true
	}
}
