package copier_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

type account struct{ Owner string }

// places are an old and a new place; the old one holds records that no SDK has written yet.
func places(ctx context.Context) (old, new *memstore.Store[string, account]) {
	open := func() *memstore.Store[string, account] {
		s, err := memstore.New[string, account](stores.StringKeys[string](), nil)
		if err != nil {
			log.Fatal(err)
		}
		return s
	}
	old, new = open(), open()
	accounts := map[string]account{"a-1": {"Ada"}, "a-2": {"Grace"}}
	if _, err := stores.Import(ctx, old, maps.All(accounts)); err != nil {
		log.Fatal(err)
	}
	return old, new
}

// How do I copy all records, so that the job can be killed and started again?
func ExampleCopy() {
	ctx := context.Background()
	old, new := places(ctx)
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	report, err := copier.Copy(ctx, old, new, &copier.CopyOptions[account]{
		PassOptions: copier.PassOptions{Rate: 10_000}, // records per second
		Resume: copier.Resume{
			Checkpoint: copier.FileCheckpoint(filepath.Join(dir, "accounts.checkpoint")),
			Job:        "accounts, eu-1 to eu-2",
		},
	})
	if err != nil {
		log.Print(err) // run it again: it goes on where it was
	}
	fmt.Println(report.Applied, "copied, clean:", report.Clean())
	// Output: 2 copied, clean: true
}

// How do I know that both places are the same?
func ExampleVerify() {
	ctx := context.Background()
	old, new := places(ctx)
	if _, err := stores.Import(ctx, new, maps.All(map[string]account{"a-1": {"Ada"}, "a-3": {"nobody"}})); err != nil {
		log.Fatal(err)
	}

	report, err := copier.Verify(ctx, old, new, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("clean:", report.Clean(), report.Reasons())
	for _, f := range report.Findings {
		fmt.Println(f)
	}
	// Unordered output:
	// clean: false [1 extra 1 missing]
	// missing "a-2" old=unstamped new=absent
	// extra "a-3" old=absent new=unstamped
}

// How do I set right what a verify pass found?
func ExampleRepair() {
	ctx := context.Background()
	old, new := places(ctx)
	verified, err := copier.Verify(ctx, old, new, nil)
	if err != nil {
		log.Fatal(err)
	}

	report, err := copier.Repair(ctx, old, new, copier.Keys(verified.Findings), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Repaired, "repaired, clean:", report.Clean())
	// Output: 2 repaired, clean: true
}

// How do I do all of it in one batch job?
func ExampleCopyAndVerify() {
	ctx := context.Background()
	old, new := places(ctx)

	copied, verified, err := copier.CopyAndVerify(ctx, old, new, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(copied.Applied, "copied, the same:", verified.Same, "clean:", verified.Clean())
	// Output: 2 copied, the same: 2 clean: true
}

// How do I get rid of tombstones and metadata when the migration is over?
func ExampleFinish() {
	ctx := context.Background()
	_, new := places(ctx)
	clock, err := stores.NewClock(nil)
	if err != nil {
		log.Fatal(err)
	}
	version, err := clock.Next()
	if err != nil {
		log.Fatal(err)
	}
	deleted := stores.Record[account]{Meta: stores.Meta{Version: version, Deleted: true}}
	if err := new.Put(ctx, stores.Write[string, account]{Key: "a-9", Record: deleted, If: stores.IfOlder(version)}); err != nil {
		log.Fatal(err)
	}

	report, err := copier.Finish(ctx, new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err != nil {
		log.Fatal(err)
	}
	left, err := stores.ApproxCount(ctx, new)
	fmt.Println(report.Purged, "purged,", left, "left,", err)
	// Output: 1 purged, 0 left, <nil>
}
