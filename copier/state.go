package copier

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// state is everything a pass knows about itself, and the only thing its workers share. What it says has been done is
// durable: workers commit after the store has answered.
type state struct {
	o settings

	mu        sync.Mutex
	report    Report
	positions []position
	pending   map[string]struct{}
	failed    []Finding // what could not be done in the end; not kept, as resuming tries again
	refusals  refusals
	mirrors   mirrors

	taking  sync.Mutex // serialises batches that are taken over
	deliver sync.Mutex // serialises OnFinding
	refused error      // what OnFinding answered in the end; guarded by deliver
	saving  sync.Mutex // serialises saves, so that an older state never replaces a newer one
	saved   time.Time
}

// delta is what one batch adds. A worker reuses it.
type delta struct {
	counts   Counts
	findings []Finding
	changed  []lostFields
	unmapped []lostFields
	pending  [][]byte // keys to look at again
	settled  [][]byte // keys that were pending
}

func (d *delta) reset() {
	clear(d.changed) // let go of the values
	*d = delta{findings: d.findings[:0], changed: d.changed[:0], unmapped: d.unmapped[:0], pending: d.pending[:0], settled: d.settled[:0]}
}

// change notes a value that new does not hold as old does.
func (d *delta) change(canon []byte, changed []stores.Difference) {
	d.counts.Changed++
	d.changed = append(d.changed, lostFields{canon: canon, changed: changed})
}

func (d *delta) find(f Finding) { d.findings = append(d.findings, f) }

// newState begins a pass or goes on with the checkpoint; then it has positions.
func newState(ctx context.Context, op string, o settings) (*state, error) {
	now := time.Now()
	s := &state{o: o, pending: make(map[string]struct{}), saved: now}
	s.mirrors.begin()
	s.report = Report{Op: op, Job: o.Job, Run: rand.Text(), Started: now, Found: make(map[Kind]int64), Earlier: o.earlier}
	s.report.MirroringSince, s.report.EmptyAllowed, s.report.LossAccepted, s.report.Copied = o.mirroringSince, o.allowEmpty, o.acceptLoss, o.copied
	if o.Restart {
		return s, nil
	}
	cp, err := loadCheckpoint(ctx, o.Checkpoint)
	if cp == nil || err != nil {
		return s, err
	}
	if err := cp.fits(op, &o, now); err != nil {
		return nil, err
	}
	if cp.over(&o) {
		s.report.After = cp.Report.Run
		if o.flow != "" && op == opVerify && !cp.Report.Finished {
			s.report.Earlier = cp.Report.andEarlier()
		}
		return s, nil
	}
	s.report, s.positions = cp.Report, cp.Positions
	s.report.Resumed++
	s.report.ResumedAt, s.report.MirroringSince, s.report.EmptyAllowed, s.report.LossAccepted = now, o.mirroringSince, o.allowEmpty, o.acceptLoss
	if s.report.Copied != nil {
		s.report.Copied.LossAccepted = o.acceptLoss
	}
	if s.report.Found == nil {
		s.report.Found = make(map[Kind]int64)
	}
	for _, k := range cp.Pending {
		s.pending[string(k)] = struct{}{}
	}
	return s, nil
}

// commit takes a batch over: first the findings go out, then it counts. at is the index of the segment, or negative;
// after is how far it is now.
func (s *state) commit(ctx context.Context, at int, after []byte, d *delta) error {
	if err := s.take(at, after, d); err != nil {
		return err
	}
	d.reset()
	return s.save(ctx, false)
}

func (s *state) take(at int, after []byte, d *delta) error {
	s.taking.Lock()
	defer s.taking.Unlock()
	findings, held := s.refusals.sift(d, s.o.MaxRejected)
	if err := s.tell(findings); err != nil {
		return err
	}
	s.mu.Lock()
	s.report.add(&d.counts)
	s.find(findings)
	s.refusals.held = held
	for _, l := range d.changed {
		s.report.ChangedFields.add(l, s.o.acceptLoss)
		if len(s.report.ChangedKeys) < s.o.KeepFindings {
			s.report.ChangedKeys = append(s.report.ChangedKeys, slices.Clone(l.canon))
		}
	}
	for _, l := range d.unmapped {
		s.report.Unmapped.add(l, s.o.acceptLoss)
	}
	for _, k := range d.pending {
		s.pending[string(k)] = struct{}{}
	}
	for _, k := range d.settled {
		delete(s.pending, string(k))
	}
	if at >= 0 {
		s.positions[at].After = append(s.positions[at].After[:0], after...)
	}
	s.mu.Unlock()
	return s.giveUp()
}

// find counts findings; the caller holds mu.
func (s *state) find(findings []Finding) {
	for _, f := range findings {
		s.report.Found[f.Kind]++
		if len(s.report.Findings) < s.o.KeepFindings {
			s.report.Findings = append(s.report.Findings, f)
		}
	}
}

func (s *state) tell(findings []Finding) error {
	if s.o.OnFinding == nil || len(findings) == 0 {
		return nil
	}
	s.deliver.Lock()
	defer s.deliver.Unlock()
	for _, f := range findings {
		if s.refused != nil {
			break
		}
		if err := s.o.OnFinding(f); err != nil {
			s.refused = fmt.Errorf("copier: handing over a finding: %w", err)
		}
	}
	return s.refused
}

// done marks a segment as finished.
func (s *state) done(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.positions[at].Done = true
}

// position returns a copy of how far a segment is.
func (s *state) position(at int) position {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.positions[at]
	p.After = slices.Clone(p.After)
	return p
}

// waiting are the pending keys, and how many there are.
func (s *state) waiting() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pendingKeys()
}

func (s *state) waitingCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

func (s *state) pendingKeys() [][]byte {
	keys := make([][]byte, 0, len(s.pending))
	for _, k := range slices.Sorted(maps.Keys(s.pending)) {
		keys = append(keys, []byte(k))
	}
	return keys
}

// fail takes over what could not be done to the end.
func (s *state) fail(findings []Finding) error {
	s.mu.Lock()
	s.failed = append(s.failed, findings...)
	n := len(s.failed)
	s.mu.Unlock()
	if n > s.o.MaxPending {
		return tooMany(n)
	}
	return s.tell(findings)
}

// scanned tells whether all segments are done.
func (s *state) scanned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allDone()
}

func (s *state) allDone() bool {
	return !slices.ContainsFunc(s.positions, func(p position) bool { return !p.Done })
}

// finish marks the pass as finished if nothing is left to do.
func (s *state) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Finished = s.allDone() && len(s.pending) == 0
}

// save saves a checkpoint: when it is due, or in any case.
func (s *state) save(ctx context.Context, now bool) error {
	if s.o.Checkpoint == nil {
		return nil
	}
	if now {
		s.saving.Lock()
	} else if !s.saving.TryLock() {
		return nil // another worker is at it
	}
	defer s.saving.Unlock()
	if !now && time.Since(s.saved) < s.o.CheckpointEvery {
		return nil
	}
	data, err := s.encode()
	if err == nil {
		err = s.o.Checkpoint.Save(ctx, data)
	}
	if err != nil {
		return fmt.Errorf("copier: saving the checkpoint: %w", err)
	}
	s.saved = time.Now()
	return nil
}

func (s *state) encode() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cp := checkpoint{Format: checkpointFormat, Flow: s.o.flow, Saved: time.Now(), Positions: s.positions, Pending: s.pendingKeys(), Report: s.report}
	for _, f := range s.refusals.held {
		cp.Pending = append(cp.Pending, f.Key)
	}
	cp.Report.Pending = len(cp.Pending)
	cp.Report.Ended = cp.Saved
	return json.Marshal(cp)
}

// snapshot is the report so far, sharing nothing.
func (s *state) snapshot() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Pending = len(s.pending) + len(s.refusals.held)
	r.Ended = time.Now()
	r.Found = maps.Clone(r.Found)
	r.Findings = slices.Clone(r.Findings)
	r.ChangedKeys = slices.Clone(r.ChangedKeys)
	r.Earlier = slices.Clone(r.Earlier)
	r.Unmapped, r.ChangedFields = r.Unmapped.clone(), r.ChangedFields.clone()
	for _, f := range s.failed {
		r.Found[f.Kind]++
		if len(r.Findings) < s.o.KeepFindings {
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}
