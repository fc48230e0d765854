package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
)

func TestMain(m *testing.M) {
	os.Exit(dynamotest.Main(func() int { return mongotest.Main(m) }))
}

func TestRun(t *testing.T) {
	tables := example.NewTables(dynamotest.Client(t), "dualwrite-test-"+rand.Text())
	t.Cleanup(func() {
		if err := tables.Drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var out bytes.Buffer
	if err := run(t.Context(), mongotest.Database(t), tables, log.New(&out, "", 0)); err != nil {
		t.Errorf("%v, after\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "\nchecked ") {
		t.Errorf("nothing was checked:\n%s", &out)
	}
}
