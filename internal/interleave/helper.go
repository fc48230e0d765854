package interleave

import (
	"context"
	"iter"

	"github.com/dualwrite/dualwrite/copier"
)

// helpers are the kinds that work on the places. clean: the pass found nothing wrong.
var helpers = map[Kind]func(ctx context.Context, places [2]store) (clean bool, err error){
	Copy:         copyKey,
	Repair:       repairKey(copier.RepairPolicy{}),
	RepairBoth:   repairKey(copier.RepairPolicy{OldWritable: true}),
	RepairNew:    repairKey(copier.RepairPolicy{OldWritable: true, Winner: copier.NewWins}),
	Verify:       verifyKey(nil),
	VerifyRepair: verifyKey(&copier.RepairPolicy{}),
	VerifyBoth:   verifyKey(&copier.RepairPolicy{OldWritable: true}),
}

// pass is how the helpers work: one record at a time.
var pass = copier.PassOptions{Workers: 1, Batch: 1, Attempts: attempts, Backoff: noWait, KeepFindings: -1}

// copyKey brings new up to what old has.
func copyKey(ctx context.Context, places [2]store) (clean bool, err error) {
	rep, err := copier.Copy(ctx, places[oldPlace], places[newPlace], &copier.CopyOptions[string]{PassOptions: pass, AllowEmpty: true})
	return rep.Clean(), err
}

// repairKey makes both places equal, as far as the policy allows it.
func repairKey(policy copier.RepairPolicy) func(ctx context.Context, places [2]store) (clean bool, err error) {
	return func(ctx context.Context, places [2]store) (clean bool, err error) {
		rep, err := copier.Repair(ctx, places[oldPlace], places[newPlace], oneKey, &copier.RepairOptions[string]{
			PassOptions: pass, RepairPolicy: policy,
		})
		return rep.Clean(), err
	}
}

// verifyKey compares the places, and again after a grace period if they differ.
func verifyKey(repair *copier.RepairPolicy) func(ctx context.Context, places [2]store) (clean bool, err error) {
	return func(ctx context.Context, places [2]store) (clean bool, err error) {
		rep, err := copier.Verify(ctx, places[oldPlace], places[newPlace], &copier.VerifyOptions[string]{
			PassOptions: pass, Grace: tick, Rounds: 2, Repair: repair, AllowEmpty: true,
		})
		return rep.Clean(), err
	}
}

// oneKey yields the key in its canonical form.
var oneKey iter.Seq2[[]byte, error] = func(yield func([]byte, error) bool) { yield([]byte(key), nil) }
