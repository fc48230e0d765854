package mongostore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/outage"
)

// Writers write through a network and a server that fail at random. At the end what they were told is compared with what
// is stored.
func TestRandomFaultsAreReportedTruthfully(t *testing.T) {
	t.Parallel()
	for _, retry := range []bool{true, false} {
		t.Run(fmt.Sprintf("retryable writes %v", retry), func(t *testing.T) {
			t.Parallel()
			s, l := newShaky(t), &lossy{commands: []string{"update", "insert"}}
			client := connect(t, s.uri(), quick(), retryWrites(retry), options.Client().SetDialer(l).
				SetServerSelectionTimeout(time.Second).SetConnectTimeout(time.Second))
			store := open[string, outage.Chain](t, client.Database("d").Collection("records"), nil)
			storm := outage.Run(t, store, func(random *rand.Rand) { failSomehow(t, s, l, random) })
			failCommand(t, s.admin, "off", nil)
			l.arm(0)
			storm.Judge(t, open[string, outage.Chain](t, s.admin.Database("d").Collection("records"), nil))
		})
	}
}

// failSomehow breaks something, or nothing.
func failSomehow(t *testing.T, s *shaky, l *lossy, random *rand.Rand) {
	t.Helper()
	all := bson.E{Key: "failCommands", Value: bson.A{"update", "insert", "find"}}
	n := 1 + random.IntN(3)
	switch random.IntN(20) {
	case 0:
		s.Cut()
		s.Heal()
	case 1:
		failCommand(t, s.admin, times(n), bson.D{all, {Key: "errorCode", Value: 91}, {Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}})
	case 2, 3, 4:
		failCommand(t, s.admin, times(n), bson.D{all, {Key: "closeConnection", Value: true}})
	case 5, 6, 7:
		failCommand(t, s.admin, times(n), bson.D{all, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "waiting"}}}})
	case 8:
		failCommand(t, s.admin, times(n), bson.D{all, {Key: "errorCode", Value: 112}})
	case 9, 10, 11, 12:
		l.arm(int64(n))
	}
}
