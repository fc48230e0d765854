package copier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrCheckpoint is what the error Is when a checkpoint can not be gone on from: it belongs to another job or operation,
// is damaged or too old. Resume.Restart begins a new pass.
var ErrCheckpoint = errors.New("copier: the checkpoint can not be resumed")

// Checkpointer keeps one checkpoint, a JSON document of the package's own. Calls are not concurrent.
type Checkpointer interface {
	// Load returns what was saved last, or nil if nothing was.
	Load(ctx context.Context) ([]byte, error)
	// Save replaces the checkpoint, durably and as a whole: a crash leaves the old one or the new one.
	Save(ctx context.Context, data []byte) error
}

// FileCheckpoint keeps a checkpoint in a file, which need not exist yet; its folder has to. Saving writes a temporary
// file beside it, syncs it and renames it.
func FileCheckpoint(path string) Checkpointer { return fileCheckpoint(path) }

type fileCheckpoint string

func (f fileCheckpoint) Load(context.Context) ([]byte, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (f fileCheckpoint) Save(_ context.Context, data []byte) error {
	dir := filepath.Dir(string(f))
	tmp, err := os.CreateTemp(dir, filepath.Base(string(f))+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), string(f))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(dir)
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkpointFormat changes when older code could misread a checkpoint.
const checkpointFormat = 2

// checkpoint is what is saved. Everything it says has been done is durable in the places.
type checkpoint struct {
	Format    int        `json:"format"`
	Flow      string     `json:"flow,omitempty"` // of which operation the pass is a part, if not of its own
	Saved     time.Time  `json:"saved"`
	Positions []position `json:"positions"`
	Pending   [][]byte   `json:"pending,omitempty"`
	Report    Report     `json:"report"`
}

// position is how far one segment is.
type position struct {
	Place   string `json:"place"`
	Segment []byte `json:"segment"`           // in the store's own words, which need not be text
	Against []byte `json:"against,omitempty"` // the same keys in the words of new, if Place is both
	After   []byte `json:"after,omitempty"`
	Done    bool   `json:"done,omitempty"`
}

// loadCheckpoint answers nil if there is none.
func loadCheckpoint(ctx context.Context, c Checkpointer) (*checkpoint, error) {
	if c == nil {
		return nil, nil
	}
	b, err := c.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("copier: loading the checkpoint: %w", err)
	}
	if len(b) == 0 {
		return nil, nil
	}
	cp := new(checkpoint)
	if err := json.Unmarshal(b, cp); err != nil {
		return nil, fmt.Errorf("%w: it is damaged (restart to begin a new pass): %w", ErrCheckpoint, err)
	}
	if cp.Format != checkpointFormat {
		return nil, fmt.Errorf("%w: it has format %d, not %d (restart to begin a new pass)", ErrCheckpoint, cp.Format, checkpointFormat)
	}
	return cp, nil
}

// fits tells whether a pass may go on from the checkpoint, or come after it.
func (cp *checkpoint) fits(op string, o *settings, now time.Time) error {
	switch age := now.Sub(cp.Saved); {
	case cp.Report.Job != o.Job || cp.Report.Op != op || cp.Flow != o.flow:
		return fmt.Errorf("%w: it is of %s of %q, not of %s of %q (keep them apart, or restart to overwrite it)",
			ErrCheckpoint, showOp(cp.Report.Op, cp.Flow), cp.Report.Job, showOp(op, o.flow), o.Job)
	case cp.over(o):
		return nil
	case age > o.ResumeWithin:
		return fmt.Errorf("%w: it is %v old and ResumeWithin is %v: if every writer has been mirroring since %v, resume with a longer one, else restart",
			ErrCheckpoint, age.Round(time.Second), o.ResumeWithin, cp.Report.Started.Format(time.RFC3339))
	}
	return nil
}

// over reports whether the pass of the checkpoint is not to be resumed, so that a new one begins: it has finished, or what
// it read proves nothing by now. The proof of [CopyAndVerify] is its verify passes, so that a copy of it may always go on.
func (cp *checkpoint) over(o *settings) bool {
	switch {
	case cp.Report.Finished:
		return true
	case o.mirroringSince.IsZero():
		return o.flow != "" && cp.Report.Op == opVerify
	default:
		return cp.Report.Started.Before(o.mirroringSince)
	}
}

func showOp(op, flow string) string {
	if flow == "" {
		return op
	}
	return op + " (a part of " + flow + ")"
}
