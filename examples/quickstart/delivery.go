package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
)

// The operator edits one flag file. Flag services take their time to reach every instance, so each instance reads a copy
// of that file, which reaches it after a delay of its own.

// operatorFile is the flag file that is edited.
func operatorFile(dir string) string { return filepath.Join(dir, "flags.json") }

// instanceFile is the copy that an instance reads.
func instanceFile(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("flags-of-instance-%d.json", i+1))
}

// deliver brings a phase to every instance, to each at a different moment within spread.
func deliver(ctx context.Context, dir string, instances int, to flags.Phase, spread time.Duration, rng *rand.Rand) error {
	g, ctx := errgroup.WithContext(ctx)
	for place, i := range rng.Perm(instances) {
		delay := spread * time.Duration(place) / time.Duration(max(instances-1, 1))
		g.Go(func() error {
			select {
			case <-time.After(delay):
				return flagfile.Write(instanceFile(dir, i), flagKey, to.String())
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}
	return g.Wait()
}

// edit is what the operator's file says after it was changed.
type edit struct {
	phase flags.Phase
	err   error // why it says no phase
}

// watchInterval is how often the operator's file is looked at.
const watchInterval = 20 * time.Millisecond

// watch sends what the file says whenever its content changes, until ctx ends. A slow receiver gets the newest.
func watch(ctx context.Context, path string, edits chan edit) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	last := ""
	for {
		content, err := os.ReadFile(path)
		if s := fmt.Sprint(string(content), err); s != last {
			last = s
			send(edits, readEdit(content, err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// send replaces what nobody has received yet; edits has room for one.
func send(edits chan edit, e edit) {
	select {
	case <-edits:
	default:
	}
	edits <- e
}

// readEdit takes the flag's value out of a flagd file.
func readEdit(content []byte, err error) edit {
	if err != nil {
		return edit{err: err}
	}
	var file struct {
		Flags map[string]struct {
			State          string         `json:"state"`
			Variants       map[string]any `json:"variants"`
			DefaultVariant string         `json:"defaultVariant"`
		} `json:"flags"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return edit{err: err}
	}
	f, ok := file.Flags[flagKey]
	if !ok || f.State != "ENABLED" {
		return edit{err: fmt.Errorf("there is no enabled flag %q", flagKey)}
	}
	value, ok := f.Variants[f.DefaultVariant].(string)
	if !ok {
		return edit{err: errors.New("its defaultVariant is none of its variants")}
	}
	phase, err := flags.ParsePhase(value)
	return edit{phase: phase, err: err}
}
