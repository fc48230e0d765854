package copier_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
)

// metaStore reads metadata alone, and tells of fields that values have no room for.
type metaStore struct {
	*mem
	reads, scans, noting atomic.Int64
	theirs               map[string][]string // what a record has that users do not hold
}

func (s *metaStore) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	s.noting.Add(1)
	return func(yield func(stores.Entry[string, user], error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			if err == nil {
				e.Lost = s.theirs[e.Key]
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (s *metaStore) ScanMeta(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	s.scans.Add(1)
	return func(yield func(stores.Entry[string, user], error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			if e.Record.Value = (user{}); !yield(e, err) {
				return
			}
		}
	}
}

func (s *metaStore) GetMetas(ctx context.Context, keys []string) ([]stores.Result[user], error) {
	s.reads.Add(1)
	res, err := s.GetMany(ctx, keys)
	for i := range res {
		res[i].Record.Value = user{}
	}
	return res, err
}

func (*metaStore) Bounds(context.Context, int) ([][]byte, error) { return nil, errors.ErrUnsupported }

// A copy that finds a page full skips the next ones by their metadata, and writes what is missing or older all the same.
func TestCopySkipsByMetadata(t *testing.T) {
	t.Parallel()
	old, to := newMem(t), &metaStore{mem: newMem(t)}
	fill(t, old, 5000)
	o := &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 100, Workers: 1})}
	first, err := copier.Copy(t.Context(), old, to, o)
	if err != nil || first.Applied != 5000 || to.reads.Load() != 0 {
		t.Fatalf("%+v, %v, %d reads", first, err, to.reads.Load())
	}
	clock := newClock(t)
	for i := 1000; i < 5000; i += 500 {
		force(t, old, keyOf(i), record(next(t, clock), stores.Unknown, "newer"))
	}
	force(t, old, "one more", record(next(t, clock), stores.Unknown, "new"))
	for i := 1250; i < 5000; i += 500 { // holes in pages of which most is there
		force(t, old, keyOf(i)+"a", record(next(t, clock), stores.Unknown, "new"))
	}
	again, err := copier.Copy(t.Context(), old, to, o)
	if err != nil || again.Applied != 17 || again.AlreadyThere != 4992 || again.Read != 5009 {
		t.Fatalf("%+v, %v", again, err)
	}
	if to.reads.Load() < 40 {
		t.Errorf("%d reads of metadata", to.reads.Load())
	}
	mustBeClean(t, old, to)
}

// Verify leaves the values of extras alone, and compares all the others. What values have no room for is a copy's to find.
func TestVerifyByMetadata(t *testing.T) {
	t.Parallel()
	old, to := &metaStore{mem: newMem(t), theirs: map[string][]string{keyOf(7): {"theirs"}}}, &metaStore{mem: newMem(t)}
	fill(t, old, 300)
	copied, err := copier.Copy(t.Context(), old, to, nil)
	if err != nil || copied.Unmapped["theirs"].Records != 1 || len(copied.Unmapped) != 1 || old.noting.Load() == 0 {
		t.Fatalf("%d scans that note, unmapped fields: %v, %v", old.noting.Load(), copied.Unmapped, err)
	}
	noting := old.noting.Load()
	clock := newClock(t)
	force(t, to, "extra", record(next(t, clock), stores.Unknown, "nobody's"))
	stamped := -1
	for i := range 300 {
		if r, err := to.Get(t.Context(), keyOf(i)); err == nil && r.Live() && !r.Version.IsUnstamped() {
			stamped = i
			r.Value.Name = "changed"
			force(t, to, keyOf(i), r)
			break
		}
	}
	if stamped < 0 {
		t.Fatal("there is no stamped record to change")
	}
	report, err := copier.Verify(t.Context(), old, to, &copier.VerifyOptions[user]{Grace: 1})
	if err != nil || report.Found[copier.KindExtra] != 1 || report.Found[copier.KindForeign] != 1 || len(report.Findings) != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if to.scans.Load() == 0 || old.reads.Load() == 0 {
		t.Error("the values were read")
	}
	if len(report.Unmapped) > 0 || old.noting.Load()+to.noting.Load() != noting {
		t.Errorf("%d more scans that note, unmapped fields: %v", old.noting.Load()+to.noting.Load()-noting, report.Unmapped)
	}
}
