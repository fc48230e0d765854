//go:build unix && !race

// Under the race detector pools forget on purpose, and what is allocated says nothing.

package dynamostore

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// TestAllocations bounds what a put adds to the SDK's own call, which has more than 300 allocations.
func TestAllocations(t *testing.T) {
	s := notes(t, nil)
	items := open[string, Item](t, s.client, s.table.name, nil)
	s.client = newClient(t, func(o *dynamodb.Options) { o.HTTPClient = instant{} })
	items.client = s.client
	for _, p := range putters(t, s, items) {
		count := func(put func(int) error) float64 {
			return testing.AllocsPerRun(200, func() {
				if err := put(1_000_000); err != nil {
					t.Fatal(err)
				}
			})
		}
		ours, bare := count(p.ours), count(p.bare)
		t.Logf("%s: %v allocations, the SDK's own call %v", p.name, ours, bare)
		if ours > 1.1*bare {
			t.Errorf("%s: %v allocations, the SDK's own call %v", p.name, ours, bare)
		}
	}
}
