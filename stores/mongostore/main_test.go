package mongostore

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/dualwrite/dualwrite/internal/mongotest"
)

// TestMain also looks for goroutines that are left when the clients are gone. (The proxy leaves some of its own.)
func TestMain(m *testing.M) {
	code := mongotest.Main(m)
	if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
