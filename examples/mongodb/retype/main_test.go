package main

import (
	"bytes"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/internal/mongotest"
)

func TestMain(m *testing.M) { os.Exit(mongotest.Main(m)) }

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), mongotest.Database(t), log.New(&out, "", 0)); err != nil {
		t.Errorf("%v, after\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "\nchecked ") {
		t.Errorf("nothing was checked:\n%s", &out)
	}
}
