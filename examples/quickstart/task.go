package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/flags"
)

// Each dual phase has work to do before the next one: in read-old/write-both the copy, in read-new/write-both the proof
// that nothing is missing. This file is all that the copier is used for; cmd/copier does the same as a batch job.

// task is the work of a phase while it is running.
type task struct {
	phase  flags.Phase
	cancel context.CancelFunc
	ended  chan outcome // gets one value
}

// outcome is how a task has ended.
type outcome struct{ err error }

// begin starts the work of a phase.
func (m *migration[V]) begin(ctx context.Context, p flags.Phase) *task {
	ctx, cancel := context.WithCancel(ctx)
	t := &task{phase: p, cancel: cancel, ended: make(chan outcome, 1)}
	go func() {
		if p == flags.ReadOldWriteBoth {
			t.ended <- outcome{m.copy(ctx)}
		} else {
			t.ended <- outcome{m.verify(ctx)}
		}
	}()
	return t
}

// stop gives the work up and waits until it has ended.
func (t *task) stop() {
	if t != nil {
		t.cancel()
		<-t.ended // that it was cancelled is no news
	}
}

// copy brings the new place up to what the old one holds, and verifies it. It can be interrupted and goes on from its
// checkpoint.
func (m *migration[V]) copy(ctx context.Context) error {
	return m.patiently(ctx, "the copy", func() error { return m.copyAndVerify(ctx) })
}

func (m *migration[V]) copyAndVerify(ctx context.Context) error {
	show := m.watchPass()
	defer show.end()
	options := &copier.CopyAndVerifyOptions[V]{Passes: verifyPasses}
	options.OnProgress, options.ProgressEvery = show.progress, progressEvery
	options.Checkpoint = copier.FileCheckpoint(filepath.Join(m.dir, "copy.checkpoint"))
	options.Job = viewName
	m.limit(&options.PassOptions, 1)
	options.VerifyRate = options.Rate * verifyFactor
	copied, verified, err := copier.CopyAndVerify(ctx, m.sdkOld, m.sdkNew, options)
	if err != nil {
		return err
	}
	m.notePass(copied)
	for _, earlier := range verified.Earlier {
		m.notePass(earlier)
	}
	m.notePass(verified)
	return clean(verified)
}

// verifyPasses is how often a verify pass that had to repair something is followed by another one: on a busy machine some
// mirrors are missed in each. The gate opens only after one that found nothing.
const verifyPasses = 10

const (
	// verifyFactor is how much faster than a copy a verify may be: it reads both places, and writes nothing as a rule.
	verifyFactor = 4
	// limitedBatch is the batch of a pass that is not to be noticed by the service: requests wait behind a batch.
	limitedBatch = 100
	// serverWorkers go over a place in a server: they wait for it most of the time, so there may be more than processors.
	serverWorkers = 4
)

// limit slows a pass down, if the command line says so.
func (m *migration[V]) limit(o *copier.PassOptions, factor float64) {
	if m.cfg.old.inServer() || m.cfg.new.inServer() {
		o.Workers = serverWorkers
	}
	if m.cfg.copyRate > 0 {
		o.Rate, o.Batch = float64(m.cfg.copyRate)*factor, limitedBatch
	}
}

// errDiverged is that the places are different although verify has found them equal.
var errDiverged = errors.New("the places are different")

// verify compares both places until a pass finds no difference, and then with the traffic stopped.
func (m *migration[V]) verify(ctx context.Context) error {
	err := m.patiently(ctx, "the verify", func() error {
		if err := m.verifyAndRepair(ctx); err != nil {
			return err
		}
		return m.compareQuietly(ctx)
	})
	if errors.Is(err, errDiverged) {
		return nil // that is for the verdict
	}
	return err
}

// verifyAndRepair ends with a pass that finds no difference. Old may be written: nobody reads it any more.
func (m *migration[V]) verifyAndRepair(ctx context.Context) error {
	var last error
	for range verifyPasses {
		show := m.watchPass()
		options := &copier.VerifyOptions[V]{Repair: &copier.RepairPolicy{OldWritable: true}}
		options.OnProgress, options.ProgressEvery = show.progress, progressEvery
		m.limit(&options.PassOptions, verifyFactor)
		verified, err := copier.Verify(ctx, m.sdkOld, m.sdkNew, options)
		show.end()
		if err != nil {
			return err
		}
		m.notePass(verified)
		if last = clean(verified); last == nil {
			return nil
		}
	}
	return last
}

func clean(r copier.Report) error {
	if r.Clean() {
		return nil
	}
	return fmt.Errorf("verify is not clean: %s", strings.Join(r.Reasons(), "; "))
}

// notePass keeps the report of a pass and prints what it did.
func (m *migration[V]) notePass(r copier.Report) {
	m.passes = append(m.passes, r)
	took := r.Ended.Sub(r.Started)
	if r.Op == "copy" {
		m.result.Copied, m.result.CopyRate = r.Applied, float64(r.Read)/max(took.Seconds(), 1e-3)
		m.screen.say("  copy: %s records read, %s written, %s were there already, in %.1f s (%s/s)", grouped(r.Read),
			grouped(r.Applied), grouped(r.AlreadyThere), took.Seconds(), grouped(int64(m.result.CopyRate)))
		return
	}
	verdict := "clean"
	if !r.Clean() {
		verdict = strings.Join(r.Reasons(), "; ")
	}
	m.screen.say("  verify: %s records compared, in %.1f s: %s", grouped(r.Same), took.Seconds(), verdict)
	for _, f := range r.Findings[:min(len(r.Findings), 5)] {
		m.screen.say("    %v", f)
	}
}

// progressEvery is how often progress is shown.
const progressEvery = 200 * time.Millisecond

// passView shows the progress of passes, each as a step of its own.
type passView struct {
	screen *screen
	op     string
	step   *step
}

func (m *migration[V]) watchPass() *passView { return &passView{screen: m.screen} }

// progress is a copier.PassOptions.OnProgress; its calls are not concurrent.
func (w *passView) progress(p copier.Progress) {
	if w.step == nil || w.op != p.Op {
		w.end()
		w.op, w.step = p.Op, w.screen.begin(p.Op, p.Total)
	}
	w.step.at(p.Done, p.Total, p.Rate, p.ETA)
	if p.Final {
		w.end()
	}
}

func (w *passView) end() {
	if w.step != nil {
		w.step.end()
		w.step = nil
	}
}

// cancelled tells an end that was asked for.
func cancelled(err error) bool { return errors.Is(err, context.Canceled) }
