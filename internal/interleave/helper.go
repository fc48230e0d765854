package interleave

import (
	"context"
	"iter"

	"github.com/dualwrite/dualwrite/copier"
)

// pass is how the helpers work: one record at a time, and no waiting, as time stands still.
var pass = copier.PassOptions{Workers: 1, Batch: 1, Attempts: attempts, Backoff: noWait, KeepFindings: -1}

// copyKey brings new up to what old has.
func copyKey(ctx context.Context, places [2]store) error {
	_, err := copier.Copy(ctx, places[oldPlace], places[newPlace], &copier.CopyOptions[string]{PassOptions: pass})
	return err
}

// repairKey makes both places equal. writeOld allows it to write old.
func repairKey(ctx context.Context, places [2]store, writeOld bool) error {
	_, err := copier.Repair(ctx, places[oldPlace], places[newPlace], oneKey, &copier.RepairOptions[string]{
		PassOptions: pass, RepairPolicy: copier.RepairPolicy{OldWritable: writeOld},
	})
	return err
}

// oneKey yields the key in its canonical form.
var oneKey iter.Seq2[[]byte, error] = func(yield func([]byte, error) bool) { yield([]byte(key), nil) }
