package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
)

// result is the last line of the output, and the first part of the report.
type result struct {
	Result string `json:"result"`
	verdict
	Copied   int64   `json:"copied"`
	CopyRate float64 `json:"copy_rate"`
	P50us    int64   `json:"p50_us"`
	P99us    int64   `json:"p99_us"`
	// Outages counts the times in which a place could not be reached, OutageMs is how long they were together.
	Outages  int   `json:"outages"`
	OutageMs int64 `json:"outage_ms"`
	// probed says that a place is in a database that can go away.
	probed bool
}

func (r *result) noteOutages(outages []outage) {
	r.Outages = len(outages)
	for _, o := range outages {
		r.OutageMs += (o.to - o.from).Milliseconds()
	}
}

// line is the result for people and for scripts.
func (r *result) line() string {
	line := fmt.Sprintf("RESULT %s requests=%d failed=%d lost=%d stale=%d resurrected=%d diverged=%d indeterminate=%d downtime_ms=%d "+
		"copied=%d copy_rate=%.0f/s p50_us=%d p99_us=%d", r.Result, r.Requests, r.Failed, r.Lost, r.Stale, r.Resurrected,
		r.Diverged, r.Indeterminate, r.DowntimeMs, r.Copied, r.CopyRate, r.P50us, r.P99us)
	if r.probed {
		line += fmt.Sprintf(" outages=%d outage_ms=%d failed_in_outage=%d indeterminate_in_outage=%d", r.Outages, r.OutageMs,
			r.FailedInOutage, r.IndeterminateInOutage)
	}
	return line
}

// The results.
const (
	resultOK          = "ok"
	resultFailed      = "FAILED"
	resultInterrupted = "INTERRUPTED"
)

// report is what -report writes.
type report struct {
	result
	Seed      uint64  `json:"seed"`
	Records   int     `json:"records"`
	Instances int     `json:"instances"`
	Seconds   float64 `json:"seconds"`
	// Error is why the walk ended before new-only, if it did.
	Error string `json:"error,omitempty"`
	// Shed counts requests that were due and not sent, as too many were waiting for a client.
	Shed int `json:"shed"`
	// ShedInOutage is how many of them were due while a place could not be reached; see outage.
	ShedInOutage int `json:"shed_in_outage"`
	// StarvedMs is the time without success in which the machine did not let this process run; see downtime.
	StarvedMs int64 `json:"starved_ms"`
	// HotRequests counts those on the keys that all instances share.
	HotRequests int                  `json:"hot_requests"`
	Flips       []flip               `json:"flips"`
	Latencies   map[string]latencies `json:"latencies"`
	Passes      []copier.Report      `json:"passes"`
	// Repositories is what each instance says about itself. The verdict does not depend on it.
	Repositories []dualwrite.Status `json:"repositories"`
}

// flip is one change of the flag that was let through.
type flip struct {
	from flags.Phase
	From string `json:"from"`
	To   string `json:"to"`
	// AtMs is when it was let through, ArrivedMs when the first and the last instance were in it, DrainedMs when the
	// last operation of the phase before had ended, in milliseconds since the start of the traffic.
	AtMs           int64 `json:"at_ms"`
	FirstArrivedMs int64 `json:"first_arrived_ms"`
	LastArrivedMs  int64 `json:"last_arrived_ms"`
	DrainedMs      int64 `json:"drained_ms"`
}

// writeReport replaces the file at path.
func writeReport(path string, r *report) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}
