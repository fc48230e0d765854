package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/dualwrite/dualwrite/copier"
)

// console is where the program talks: reports to out, everything else to err.
type console struct {
	out, err io.Writer
	json     bool
	bar      *progressbar.ProgressBar
	barOp    string
}

// work makes the options of a pass from the flags and runs it, with the findings file open.
func (c *console) work(p pace, r resume, job string, do func(copier.PassOptions, copier.Resume) error) (err error) {
	c.json = p.JSON
	o := copier.PassOptions{
		Workers: p.Workers, Batch: p.Batch, Rate: p.Rate, OnProgress: c.progress, ProgressEvery: p.ProgressEvery,
		MaxRejected: p.MaxRejected,
	}
	keep := copier.Resume{Restart: r.Restart, ResumeWithin: r.ResumeWithin, CheckpointEvery: r.CheckpointEvery, Job: job}
	if p.Workers < 1 || p.Batch < 1 || p.Rate < 0 || p.ProgressEvery <= 0 {
		return usagef("--workers, --batch and --progress-every have to be positive, --rate can not be negative")
	}
	resuming := false
	if r.Checkpoint == "" && (r.Restart || r.ResumeWithin != 0 || r.CheckpointEvery != 0) {
		return usagef("--restart, --resume-within and --checkpoint-every say how a checkpoint is used: name its file with --checkpoint")
	}
	if r.Checkpoint != "" {
		_, err := os.Stat(r.Checkpoint)
		resuming = err == nil && !r.Restart
		keep.Checkpoint = copier.FileCheckpoint(r.Checkpoint)
	}
	if p.Findings != "" {
		f, err := openFindings(p.Findings, resuming)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.close()) }()
		o.OnFinding = f.add
		if keep.Checkpoint != nil {
			keep.Checkpoint = &afterFindings{Checkpointer: keep.Checkpoint, findings: f}
		}
	}
	return do(o, keep)
}

// event is a line of --json.
type event struct {
	Event string  `json:"event"` // "progress" or "report"
	Op    string  `json:"op"`
	Stage string  `json:"stage,omitempty"`
	Done  int64   `json:"done"`
	Total int64   `json:"total,omitempty"`
	Rate  float64 `json:"rate"`
	ETA   float64 `json:"eta_seconds,omitempty"`

	Report *copier.Report `json:"report,omitempty"`
}

// progress shows how far a pass is: as a JSON line, as a bar on a terminal, else as a plain line.
func (c *console) progress(p copier.Progress) {
	switch {
	case c.json:
		_ = json.NewEncoder(c.out).Encode(event{
			Event: "progress", Op: p.Op, Stage: p.Stage, Done: p.Done, Total: p.Total, Rate: p.Rate, ETA: p.ETA.Seconds(),
		})
	case c.terminal():
		c.draw(p)
	default:
		_, _ = fmt.Fprintln(c.err, line(p))
	}
}

func (c *console) terminal() bool {
	f, ok := c.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// line is "copy: 1200 of 5000 records (24 %), 600/s, 6s left, 2 findings".
func line(p copier.Progress) string {
	s := fmt.Sprintf("%s: %d records", p.Op, p.Done)
	if p.Total > 0 {
		s = fmt.Sprintf("%s: %d of %d records (%d %%)", p.Op, p.Done, max(p.Total, p.Done), 100*p.Done/max(p.Total, p.Done))
	}
	return s + tail(p)
}

func tail(p copier.Progress) string {
	s := fmt.Sprintf(", %.0f/s", p.Rate)
	if p.ETA > 0 {
		s += fmt.Sprintf(", %v left", p.ETA.Round(time.Second))
	}
	if p.Stage == "settle" && !p.Final && p.Report.Pending > 0 {
		s += fmt.Sprintf(", looking at %d again", p.Report.Pending)
	}
	var found int64
	for _, n := range p.Report.Found {
		found += n
	}
	if found > 0 {
		s += fmt.Sprintf(", %d findings", found)
	}
	return s
}

// draw keeps a bar on the terminal up to date.
func (c *console) draw(p copier.Progress) {
	if c.bar == nil || c.barOp != p.Op {
		total := p.Total
		if total == 0 {
			total = -1
		}
		c.barOp = p.Op
		c.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(c.err), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionShowDescriptionAtLineEnd())
	}
	if p.Total > 0 {
		c.bar.ChangeMax64(max(p.Total, p.Done))
	}
	c.bar.Describe(p.Op + tail(p))
	_ = c.bar.Set64(p.Done)
	if p.Final {
		_ = c.bar.Exit()
		_, _ = fmt.Fprintln(c.err)
		c.bar = nil
	}
}

// report prints what a pass did, also if it failed: err is handed back.
func (c *console) report(r copier.Report, err error) error {
	c.show(r, err)
	return err
}

func (c *console) show(r copier.Report, err error) {
	if r.Run == "" {
		return // it did not begin
	}
	if c.json {
		_ = json.NewEncoder(c.out).Encode(event{Event: "report", Op: r.Op, Done: r.Read, Report: &r})
		return
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s\t%s\n", r.Op, verdict(r, err))
	for _, row := range rows(r) {
		if row.n != 0 {
			_, _ = fmt.Fprintf(w, "  %s\t%d\n", row.name, row.n)
		}
	}
	showLosses(w, "stays behind in old", r.Unmapped)
	showLosses(w, "is another one in new", r.ChangedFields)
	for _, e := range r.Earlier {
		_, _ = fmt.Fprintf(w, "  earlier pass\t%s; %d repaired\n", strings.Join(e.Reasons(), ", "), e.Repaired)
	}
	if r.LongExpired > 0 {
		_, _ = fmt.Fprintf(w, "  advice\tis the expiry in seconds, and what stands for never? DynamoDB keeps what expired more than five years ago, MongoDB removes it\n")
	}
	for _, why := range r.Reasons() {
		_, _ = fmt.Fprintf(w, "  not clean\t%s\n", why)
	}
	for i, f := range r.Findings {
		if i == 10 {
			_, _ = fmt.Fprintf(w, "  …\tand more (--findings FILE has them all)\n")
			break
		}
		_, _ = fmt.Fprintf(w, "  found\t%v\n", f)
	}
	_ = w.Flush()
}

// showLosses shows the first ten fields that get lost, accepted or not.
func showLosses(w io.Writer, what string, losses copier.Losses) {
	for i, field := range slices.Sorted(maps.Keys(losses)) {
		if i == 10 {
			_, _ = fmt.Fprintf(w, "  …\tand %d more fields (--json has them)\n", len(losses)-i)
			break
		}
		_, _ = fmt.Fprintf(w, "  %s\t%s of %d records", what, field, losses[field].Records)
		for i, e := range losses[field].Examples {
			separator := map[bool]string{true: ", as that of", false: ","}[i == 0]
			_, _ = fmt.Fprintf(w, "%s %s", separator, e.Shown)
			if e.Before != "" || e.After != "" {
				_, _ = fmt.Fprintf(w, " (%s, %s)", e.Before, e.After)
			}
		}
		_, _ = fmt.Fprintln(w)
	}
}

func verdict(r copier.Report, err error) string {
	took := r.Ended.Sub(r.Started).Round(time.Millisecond)
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Sprintf("interrupted after %v", took)
	case err != nil:
		return fmt.Sprintf("failed after %v", took)
	case r.Clean() && len(r.Earlier) > 0:
		return fmt.Sprintf("clean after %d passes, the last in %v", len(r.Earlier)+1, took)
	case r.Clean():
		return fmt.Sprintf("clean, in %v", took)
	default:
		return fmt.Sprintf("NOT clean, in %v", took)
	}
}

type row struct {
	name string
	n    int64
}

func rows(r copier.Report) []row {
	return []row{
		{"records read", r.Read},
		{"written", r.Applied},
		{"already there", r.AlreadyThere},
		{"the same", r.Same},
		{"repaired", r.Repaired},
		{"purged", r.Purged},
		{"without metadata", r.Plain},
		{"not alike in both places", r.Changed},
		{"writes sent again", r.Retried},
		{"written meanwhile to old alone", r.Unmirrored},
		{"expired, passed over", r.Expired},
		{"with an expiry of more than five years ago", r.LongExpired},
		{"times resumed", int64(r.Resumed)},
	}
}
