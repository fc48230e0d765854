package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/internal/servers"
)

func TestInstallWithoutCargo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		env  map[string]string
		want error
		says string
	}{
		{"on a developer's machine", nil, nil, "!!! the tests that need the real servers are SKIPPED"},
		{"in CI", map[string]string{"CI": "true"}, servers.ErrNoCargo, ""},
		{"skipped", map[string]string{"CI": "true", servers.SkipVariable: "1"}, nil, "!!! " + servers.SkipVariable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := &servers.InstallOptions{Root: t.TempDir(), Cargo: filepath.Join(t.TempDir(), "none")}
			err := install(t.Context(), &out, func(k string) string { return tc.env[k] }, o)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if !strings.Contains(out.String(), tc.says) {
				t.Errorf("%q is not in %q", tc.says, out.String())
			}
		})
	}
}

func TestCheckIsLoudAboutWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, skip := range []string{"", "1"} {
		var out bytes.Buffer
		check(&out, func(k string) string { return map[string]string{servers.SkipVariable: skip}[k] }, t.TempDir())
		if got := strings.Count(out.String(), "!!! "); got != len(servers.All()) {
			t.Errorf("%s=%q: %d of %d servers named in %q", servers.SkipVariable, skip, got, len(servers.All()), out.String())
		}
	}
}

func TestCommandRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	if err := command(t.Context(), []string{"-chek"}); err == nil {
		t.Error("no error")
	}
}
