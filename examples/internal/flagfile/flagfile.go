// Package flagfile writes the file that a flagd provider in file mode reads: one string flag whose value is the phase of
// a migration.
package flagfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dualwrite/dualwrite/flags"
)

const schema = "https://flagd.dev/schema/v0/flags.json"

type document struct {
	Schema string          `json:"$schema"`
	Flags  map[string]flag `json:"flags"`
}

type flag struct {
	State          string            `json:"state"`
	Variants       map[string]string `json:"variants"`
	DefaultVariant string            `json:"defaultVariant"`
}

// Write replaces the file at path by one that gives flagKey the value phase, which must be one of the four. The
// variants are named by their values, so that the file is easy to edit by hand.
//
// The new file is written beside the old one and renamed over it: whoever watches path sees the old content or the new
// one, never a half-written file. Concurrent calls are safe; the last rename wins.
func Write(path, flagKey, phase string) error {
	data, err := encode(flagKey, phase)
	if err != nil {
		return err
	}
	if err := replace(path, data); err != nil {
		return fmt.Errorf("flag file %s: %w", path, err)
	}
	return nil
}

func encode(flagKey, phase string) ([]byte, error) {
	if _, err := flags.ParsePhase(phase); err != nil {
		return nil, err
	}
	variants := map[string]string{}
	for _, p := range flags.Phases() {
		variants[p.String()] = p.String()
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(document{
		Schema: schema,
		Flags:  map[string]flag{flagKey: {State: "ENABLED", Variants: variants, DefaultVariant: phase}},
	})
	return out.Bytes(), err
}

func replace(path string, data []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".flag-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	if _, err = temp.Write(data); err != nil {
		_ = temp.Close()
		return err
	}
	if err = temp.Close(); err != nil {
		return err
	}
	// CreateTemp gives 0600, which would lock out a provider that runs as somebody else.
	if err = os.Chmod(temp.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
