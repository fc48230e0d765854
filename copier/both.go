package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// CopyAndVerifyOptions are the options of [CopyAndVerify]; nil means the zero value. PassOptions hold for the copy and
// for each verify pass; the checkpoint is that of the whole.
type CopyAndVerifyOptions[V any] struct {
	PassOptions
	Resume
	// MirroringSince is as in VerifyOptions. Without it a verify pass that was interrupted is not resumed: a new one begins,
	// and what the interrupted one found is in Report.Earlier.
	MirroringSince time.Time
	// AllowEmpty is as in VerifyOptions.
	AllowEmpty bool
	// AcceptLoss is as in VerifyOptions.
	AcceptLoss []string
	// Equal is as in VerifyOptions, and tells the copy too which values new does not hold as they are.
	Equal func(a, b V) bool
	// Grace and Rounds are as in VerifyOptions.
	Grace  time.Duration
	Rounds int
	// Repair is what the verify passes may repair. The zero value only brings new up to what old has.
	Repair RepairPolicy
	// Passes is how many verify passes there are at most. Default 3.
	Passes int
	// VerifyRate is the Rate of the verify passes, which read both places. Default: Rate.
	VerifyRate float64
}

// stages are the options of the copy and of a verify pass.
func (o *CopyAndVerifyOptions[V]) stages() (c CopyOptions[V], v VerifyOptions[V]) {
	c = CopyOptions[V]{PassOptions: o.PassOptions, Resume: o.Resume, MirroringSince: o.MirroringSince, AllowEmpty: o.AllowEmpty, AcceptLoss: o.AcceptLoss, Equal: o.Equal}
	v = VerifyOptions[V]{
		PassOptions: o.PassOptions, Resume: o.Resume, MirroringSince: o.MirroringSince, AllowEmpty: o.AllowEmpty, AcceptLoss: o.AcceptLoss, Equal: o.Equal,
		Grace: o.Grace, Rounds: o.Rounds, Repair: &o.Repair,
	}
	if o.VerifyRate != 0 {
		v.Rate = o.VerifyRate
	}
	return c, v
}

// CopyAndVerify is what a batch job does: it copies, then verifies and repairs until a pass finds nothing. Its answer
// is the report of the copy (without its lists, if an interrupted earlier call had finished the copy) and that of the
// last verify pass, whose Clean is the verdict: what the copy has lost is a reason too, before and after an interruption. The passes
// before it are in its Report.Earlier. Errors are as those of [Copy].
func CopyAndVerify[K, V any](ctx context.Context, old, new stores.Store[K, V], o *CopyAndVerifyOptions[V]) (copied, verified Report, err error) {
	if o == nil {
		o = &CopyAndVerifyOptions[V]{}
	}
	copied, verified = Report{Op: opCopy, Job: o.Job}, Report{Op: opVerify, Job: o.Job}
	c, v := o.stages()
	co, err := prepare(c.PassOptions, c.Resume, old, new)
	if err != nil {
		return copied, verified, err
	}
	vo, err := prepare(v.PassOptions, v.Resume, old, new)
	if err != nil {
		return copied, verified, err
	}
	_, _, _, err = v.filled()
	passes := o.Passes
	if err := errors.Join(err, positive("Passes", &passes, 3)); err != nil {
		return copied, verified, fmt.Errorf("copier: %w", err)
	}
	co.flow, vo.flow = flowBoth, flowBoth
	co.mirroringSince, vo.mirroringSince = o.MirroringSince, o.MirroringSince
	next, done, err := stageOf(ctx, &co)
	if err != nil {
		return copied, verified, err
	}
	if next == opCopy {
		if copied, err = copyAs(ctx, opCopy, old, new, &c, co); err != nil {
			return copied, verified, err
		}
		brief := copied.brief()
		done = &brief
	} else if done != nil {
		copied = *done
		copied.LossAccepted = o.AcceptLoss
	}
	vo.copied = done
	vo.Restart = next == opCopy
	for range passes {
		verified, err = verifyAs(ctx, opVerify, old, new, &v, vo)
		if err != nil || len(verified.differences()) == 0 {
			break
		}
		vo.earlier = verified.andEarlier()
	}
	return copied, verified, err
}

// flowBoth marks the checkpoints of CopyAndVerify, so that those of a Copy or a Verify alone are not taken for one.
const flowBoth = "copy and verify"

// stageOf tells what comes next: the copy, or the verify passes if the checkpoint shows that the copy is done; then copied is its
// report.
func stageOf(ctx context.Context, o *settings) (stage string, copied *Report, err error) {
	if o.Restart {
		return opCopy, nil, nil
	}
	cp, err := loadCheckpoint(ctx, o.Checkpoint)
	if cp == nil || err != nil {
		return opCopy, nil, err
	}
	if cp.Flow != o.flow {
		return opCopy, nil, nil // which refuses the checkpoint
	}
	if err := cp.fits(cp.Report.Op, o, time.Now()); err != nil || cp.Report.Op == opCopy {
		return opCopy, nil, err
	}
	if cp.Report.Finished {
		o.Restart = true // the last call came to its end: a new one begins
		return opCopy, nil, nil
	}
	return opVerify, cp.Report.Copied, nil
}
