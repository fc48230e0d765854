package flagfile

import (
	"fmt"
	"os"
	"sync"

	flagd "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
)

// initDeadline, in milliseconds, is ample: flagd's own 500 ms are too few for a busy machine.
const initDeadline = 10_000

var stderr sync.Mutex

// NewProvider returns a flagd provider that reads the file at path and follows its changes. The file must exist, and must
// be replaced by rename, never deleted: flagd stops watching a deleted file.
func NewProvider(path string) (*flagd.Provider, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("flag file: %w", err) // flagd would leak its watcher
	}
	silence, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	// In file mode flagd logs each event to the standard error of the moment at which it is made, and offers no way to
	// change that. What it has to say also comes as events and evaluation errors, which a source reports in its status.
	stderr.Lock()
	defer stderr.Unlock()
	before := os.Stderr
	os.Stderr = silence
	defer func() { os.Stderr = before }()
	return flagd.NewProvider(flagd.WithFileResolver(), flagd.WithOfflineFilePath(path), flagd.WithDeadline(initDeadline))
}
