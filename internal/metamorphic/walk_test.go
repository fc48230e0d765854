package metamorphic

import (
	"context"
	"fmt"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/flags"
)

// move lets one instance see a flip, in the direction and with the preparations that the step says. A move that the
// protocol does not allow is none.
func (r *run) move(st step) error {
	if !r.world.walks {
		return nil
	}
	who := st.who % len(r.instances)
	from, to := r.phases[who], r.phases[who]+1
	if st.way&1 == 1 {
		to = from - 1
	}
	if to < r.world.first || to > r.world.last {
		return nil
	}
	for _, p := range r.phases {
		if !p.Adjacent(to) {
			return nil
		}
	}
	if err := r.prepare(from, to, st.way>>1); err != nil {
		return err
	}
	r.phases[who] = to
	r.settings[who].phase.Store(uint32(to))
	r.beenNew = r.beenNew || to == flags.NewOnly
	return nil
}

// prepare does what has to be done before a first instance moves: nothing may be left behind on old before somebody reads
// only new, and old may not be behind before somebody reads only old.
func (r *run) prepare(from, to flags.Phase, how int) error {
	switch {
	case r.world.copies:
		return nil
	case from == flags.ReadOldWriteBoth && to == flags.ReadNewWriteBoth && how&1 == 1: // not needed, but allowed
		return r.copy(how&2 == 2)
	case to == flags.NewOnly && how&1 == 1:
		return r.verify(true)
	case to == flags.NewOnly:
		for _, err := range r.reader().Scan(r.ctx) {
			if err != nil {
				return fmt.Errorf("bringing over: %w", err)
			}
		}
	case to == flags.ReadOldWriteBoth && r.beenNew:
		r.beenNew = false
		return r.verify(true)
	}
	return nil
}

// reader is an instance in read-new/write-both.
func (r *run) reader() *repo {
	for i, p := range r.phases {
		if p == flags.ReadNewWriteBoth {
			return r.instances[i]
		}
	}
	panic("nobody is in read-new/write-both")
}

// pass has little to go over, and no time to lose.
var pass = copier.PassOptions{Workers: 2, Batch: 2, Backoff: func(int) time.Duration { return 0 }}

func (r *run) copy(verify bool) error {
	if _, err := copier.Copy(r.ctx, r.realOld, r.realNew, &copier.CopyOptions[doc]{PassOptions: pass}); err != nil || !verify {
		return err
	}
	return r.verify(false)
}

// verify repairs what differs and then looks again: everything has to be the same.
func (r *run) verify(oldWritable bool) error {
	o := &copier.VerifyOptions[doc]{PassOptions: pass, Grace: 1, Repair: &copier.RepairPolicy{OldWritable: oldWritable}}
	if _, err := copier.Verify(r.ctx, r.realOld, r.realNew, o); err != nil {
		return err
	}
	report, err := copier.Verify(r.ctx, r.realOld, r.realNew, &copier.VerifyOptions[doc]{PassOptions: pass, Grace: 1, AllowEmpty: true})
	if err == nil && !report.Clean() {
		err = fmt.Errorf("after a repair there still is %v", report.Findings)
	}
	return err
}

// copyAllTheTime copies and repairs beside the script until it is stopped.
func (r *run) copyAllTheTime() (stop func() error) {
	ctx, cancel := context.WithCancel(r.ctx)
	result := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			_, err := copier.Copy(ctx, r.realOld, r.realNew, &copier.CopyOptions[doc]{PassOptions: pass})
			if err == nil {
				o := &copier.VerifyOptions[doc]{PassOptions: pass, Grace: 1, Repair: &copier.RepairPolicy{}}
				_, err = copier.Verify(ctx, r.realOld, r.realNew, o)
			}
			if err != nil && ctx.Err() == nil {
				result <- err
				return
			}
		}
		result <- nil
	}()
	return func() error {
		cancel()
		return <-result
	}
}

// finish brings every instance to read-new/write-both, where both places have to become the same, and reads all there is
// before and after that.
func (r *run) finish() error {
	for i := range r.instances {
		r.phases[i] = flags.ReadNewWriteBoth
		r.settings[i].phase.Store(uint32(flags.ReadNewWriteBoth))
	}
	for range 2 {
		if err := r.scan(step{}, r.instances[0].Scan(r.ctx)); err != nil {
			return err
		}
		for key := range keyCount {
			if err := r.step(step{kind: get, keys: []int{key}}); err != nil {
				return err
			}
			if rec, _ := r.realNew.Get(r.ctx, keyOf(key)); rec.Intent {
				return fmt.Errorf("new holds an intent of key %d", key)
			}
		}
		if err := r.verify(true); err != nil {
			return err
		}
	}
	return nil
}
