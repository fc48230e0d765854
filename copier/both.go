package copier

import (
	"context"
	"fmt"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// CopyAndVerifyOptions are the options of [CopyAndVerify]; nil means the zero value.
type CopyAndVerifyOptions[V any] struct {
	// Copy are the options of the copy. Its checkpoint is that of the whole.
	Copy CopyOptions[V]
	// Verify are the options of each verify pass. Checkpoint, Job, Restart and ResumeWithin are taken from Copy. Repair
	// defaults to the zero RepairPolicy.
	Verify VerifyOptions[V]
	// Passes is how many verify passes there are at most. Default 3.
	Passes int
}

// CopyAndVerify is what a batch job does: it copies, then verifies and repairs until a pass finds nothing. Its answer
// is the report of the copy (only its Op and Job, if an interrupted earlier call had finished the copy) and that of the
// last verify pass, whose Clean is the verdict. Errors are as those of [Copy].
func CopyAndVerify[K, V any](ctx context.Context, old, new stores.Store[K, V], o *CopyAndVerifyOptions[V]) (copied, verified Report, err error) {
	if o == nil {
		o = &CopyAndVerifyOptions[V]{}
	}
	copied, verified = Report{Op: opCopy, Job: o.Copy.Job}, Report{Op: opVerify, Job: o.Copy.Job}
	v, passes := o.Verify, o.Passes
	v.Checkpoint, v.Job, v.Restart, v.ResumeWithin = o.Copy.Checkpoint, o.Copy.Job, false, o.Copy.ResumeWithin
	if v.Repair == nil {
		v.Repair = &RepairPolicy{}
	}
	if passes == 0 {
		passes = 3
	}
	co, err := prepare(o.Copy.PassOptions, old, new)
	if err != nil {
		return copied, verified, err
	}
	vo, err := prepare(v.PassOptions, old, new)
	if err != nil {
		return copied, verified, err
	}
	if passes < 0 {
		return copied, verified, fmt.Errorf("copier: Passes is %d; it can not be negative", passes)
	}
	co.flow, vo.flow = flowBoth, flowBoth
	next, err := stageOf(ctx, &co)
	if err != nil {
		return copied, verified, err
	}
	if next == opCopy {
		if copied, err = copyAs(ctx, opCopy, old, new, o.Copy.Equal, co); err != nil {
			return copied, verified, err
		}
	}
	vo.Restart = next == opCopy
	for range passes {
		verified, err = verifyAs(ctx, opVerify, old, new, &v, vo)
		if err != nil || verified.Clean() {
			break
		}
	}
	return copied, verified, err
}

// flowBoth marks the checkpoints of CopyAndVerify, so that those of a Copy or a Verify alone are not taken for one.
const flowBoth = "copy and verify"

// stageOf tells what comes next: the copy, or the verify passes if the checkpoint shows that the copy is done.
func stageOf(ctx context.Context, o *PassOptions) (string, error) {
	if o.Restart {
		return opCopy, nil
	}
	cp, err := loadCheckpoint(ctx, o.Checkpoint)
	if cp == nil || err != nil {
		return opCopy, err
	}
	if cp.Flow != o.flow {
		return opCopy, nil // which refuses the checkpoint
	}
	if err := cp.fits(cp.Report.Op, o, time.Now()); err != nil || cp.Report.Op == opCopy {
		return opCopy, err
	}
	if cp.Report.Finished {
		o.Restart = true // the last call came to its end: a new one begins
		return opCopy, nil
	}
	return opVerify, nil
}
