package crossstore

import (
	"os"
	"testing"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
)

func TestMain(m *testing.M) {
	os.Exit(dynamotest.Main(func() int { return mongotest.Main(m) }))
}
