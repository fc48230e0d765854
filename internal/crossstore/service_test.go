package crossstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// account is a value that holds its own id, as most structs of services do. The new table has an index by country, the old
// collection a unique one on email.
type account struct {
	ID      string `bson:"_id" dynamodbav:"id" json:"id"`
	Email   string `bson:"email" dynamodbav:"email" json:"email"`
	Country string `bson:"country" dynamodbav:"country" json:"country"`
	Visits  int    `bson:"visits" dynamodbav:"visits" json:"visits"`
}

type accounts = dualwrite.Repository[string, account]

// serve is a service as its team would write it. It has no table of errors: HTTPStatus is one.
func serve(repo *accounts) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(ctx context.Context, id string, body []byte) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			var answer any
			if err == nil {
				answer, err = do(r.Context(), r.PathValue("id"), body)
			}
			if err != nil {
				http.Error(w, err.Error(), dualwrite.HTTPStatus(err))
				return
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	handle("GET /{id}", func(ctx context.Context, id string, _ []byte) (any, error) { return repo.Get(ctx, id) })
	handle("PUT /{id}", func(ctx context.Context, id string, body []byte) (any, error) {
		a := account{ID: id}
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, err
		}
		return repo.Put(ctx, id, a)
	})
	handle("PATCH /{id}", func(ctx context.Context, id string, body []byte) (any, error) {
		return repo.Update(ctx, id, func(a *account) error { return json.Unmarshal(body, a) })
	})
	handle("POST /{id}/visits", func(ctx context.Context, id string, _ []byte) (any, error) {
		return repo.Update(ctx, id, func(a *account) error { a.Visits++; return nil })
	})
	handle("DELETE /{id}", func(ctx context.Context, id string, _ []byte) (any, error) { return nil, repo.Delete(ctx, id) })
	return mux
}

// fleet is the service on two instances, and what its clients know.
type fleet struct {
	*testing.T
	coll  *mongo.Collection
	old   *mongostore.Store[string, account]
	new   *dynamostore.Store[string, account]
	flags [2]*flagtest.Source
	repos [2]*accounts
	urls  [2]string
	shut  [2]*httptest.Server
	known []map[string]account // of each client, its own accounts

	mu              sync.Mutex
	counted, unsure int // visits of the shared accounts that were acknowledged, or answered by "the outcome is not known"
}

const (
	clients = 6
	each    = 10 // accounts of a client
	shared  = 4  // accounts of all of them
)

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{T: t, coll: mongotest.Collection(t), known: make([]map[string]account, clients)}
	// Documents from before, with a field that the service has forgotten, and the unique index that its users rely on.
	var docs []any
	for c := range clients {
		f.known[c] = map[string]account{}
		for i := range each {
			a := account{ID: fmt.Sprintf("c%d-%d", c, i), Email: fmt.Sprintf("c%d-%d@example.org", c, i), Country: "de"}
			f.known[c][a.ID] = a
			docs = append(docs, bson.D{
				{Key: "_id", Value: a.ID}, {Key: "email", Value: a.Email}, {Key: "country", Value: a.Country}, {Key: "visits", Value: 0},
				{Key: "legacy_crm", Value: i},
			})
		}
	}
	for i := range shared {
		docs = append(docs, bson.D{
			{Key: "_id", Value: sharedID(i)}, {Key: "email", Value: sharedID(i)}, {Key: "country", Value: "fr"}, {Key: "visits", Value: 0},
		})
	}
	f.noError(f.coll.InsertMany(t.Context(), docs))
	f.noError(f.coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true)}))
	f.openOld()
	if advice := strings.Join(f.old.Advice(), "\n"); !strings.Contains(advice, "email") {
		t.Errorf("the advice is %q, and does not name the unique index", advice)
	}
	f.noError(nil, f.coll.Indexes().DropOne(t.Context(), "email_1"))
	f.noError(f.coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true).
		SetPartialFilterExpression(bson.D{{Key: "email", Value: bson.D{{Key: "$exists", Value: true}}}})}))
	f.openOld()
	if advice := strings.Join(f.old.Advice(), "\n"); strings.Contains(advice, "tombstone") {
		t.Errorf("after the index was prepared the advice is %q", advice)
	}
	f.openNew()
	for i := range f.repos {
		f.flags[i] = flagtest.NewSource(flags.OldOnly)
		repo, err := dualwrite.New[string, account](f.old, f.new, f.flags[i], nil)
		f.noError(repo, err)
		f.repos[i], f.shut[i] = repo, httptest.NewServer(serve(repo))
		f.urls[i] = f.shut[i].URL
		t.Cleanup(f.shut[i].Close)
	}
	return f
}

func sharedID(i int) string { return fmt.Sprint("shared-", i) }

func (f *fleet) noError(_ any, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fleet) openOld() {
	f.Helper()
	var err error
	f.old, err = mongostore.New[string, account](f.Context(), f.coll, nil)
	f.noError(nil, err)
}

func (f *fleet) openNew() {
	f.Helper()
	client := dynamotest.Client(f.T)
	schema, defs := dynamotest.Key("id:S")
	index, more := dynamotest.Index("by-country", "country:S")
	name := dynamotest.TableOf(f.T, client, &dynamodb.CreateTableInput{
		KeySchema: schema, AttributeDefinitions: append(defs, more...), GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index},
	})
	var err error
	f.new, err = dynamostore.New[string, account](f.Context(), client, name, nil)
	f.noError(nil, err)
}

// ask sends a request to one of the instances.
func (f *fleet) ask(method, path, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(f.Context(), method, f.urls[rand.IntN(len(f.urls))]+"/"+path, bytes.NewBufferString(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}

// want sends a request that has to be answered by a status.
func (f *fleet) want(status int, method, path, body string) error {
	got, answer, err := f.ask(method, path, body)
	if err == nil && got != status {
		err = fmt.Errorf("%s %s %s: status %d, want %d: %s", method, path, body, got, status, answer)
	}
	return err
}

// traffic is a round of all clients: each reads its own writes, on whichever instance, and all count on shared accounts.
func (f *fleet) traffic(round int) {
	f.Helper()
	var g errgroup.Group
	for c := range clients {
		g.Go(func() error {
			for n, id := range slices.Sorted(maps.Keys(f.known[c])) {
				if err := f.visit(f.known[c], id, round, n); err != nil {
					return err
				}
				if err := f.count(sharedID(n % shared)); err != nil {
					return err
				}
			}
			return f.want(http.StatusNotFound, "GET", "nobody", "")
		})
	}
	f.noError(nil, g.Wait())
}

// count counts a visit of an account that all clients use at the same time. On a key as busy as that an instance may lose sight of
// its own write: it says so, and the visit is there at most once.
func (f *fleet) count(id string) error {
	status, answer, err := f.ask("POST", id+"/visits", "")
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		return err
	case status == http.StatusOK:
		f.counted++
	case status == http.StatusInternalServerError && strings.Contains(string(answer), dualwrite.ErrIndeterminate.Error()):
		f.unsure++
	default:
		return fmt.Errorf("a visit of %s: status %d: %s", id, status, answer)
	}
	return nil
}

// visit uses one account, whose state its client knows.
func (f *fleet) visit(known map[string]account, id string, round, n int) error {
	switch want, there := known[id]; {
	case !there || want == account{}: // deleted before
		if err := f.want(http.StatusNotFound, "GET", id, ""); err != nil {
			return err
		}
		known[id] = account{ID: id, Email: id, Country: "it"}
		return f.want(http.StatusOK, "PUT", id, fmt.Sprintf(`{"email":%q,"country":"it"}`, id))
	default:
		var got account
		status, answer, err := f.ask("GET", id, "")
		if err = errors.Join(err, json.Unmarshal(answer, &got)); err != nil || status != http.StatusOK || got != want {
			return fmt.Errorf("%s: status %d, %s, want %+v: %w", id, status, answer, want, err)
		}
		if (round+n)%7 == 0 {
			known[id] = account{}
			return f.want(http.StatusOK, "DELETE", id, "")
		}
		want.Country = fmt.Sprint("c", round)
		known[id] = want
		return f.want(http.StatusOK, "PATCH", id, fmt.Sprintf(`{"country":%q}`, want.Country))
	}
}

// flip moves one instance after the other, with traffic between.
func (f *fleet) flip(to flags.Phase, round int) {
	f.Helper()
	before, err := f.flags[0].Phase(f.Context())
	f.noError(nil, err)
	for i, source := range f.flags {
		source.Set(to)
		f.traffic(round + i)
	}
	for _, repo := range f.repos {
		f.noError(nil, repo.Drained(f.Context(), before))
	}
}

// TestAServiceMoves is the migration of a service with several instances from MongoDB to DynamoDB as its team carries it out, over
// HTTP: through all phases and once back, with a client that sends what only the new table refuses.
func TestAServiceMoves(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.traffic(0)
	f.flip(flags.ReadOldWriteBoth, 1)
	// Old takes an empty country. Nobody notices but the copy, which says so.
	f.noError(nil, f.want(http.StatusOK, "PATCH", sharedID(0), `{"country":""}`))
	accept := &copier.CopyAndVerifyOptions[account]{AcceptLoss: []string{"legacy_crm"}}
	_, verified, err := copier.CopyAndVerify[string, account](t.Context(), f.old, f.new, accept)
	if err == nil && verified.Clean() || len(verified.Findings) != 1 || string(verified.Findings[0].Key) != sharedID(0) {
		t.Errorf("with an account that the new table refuses: %v, %v, %v", verified.Reasons(), verified.Findings, err)
	}
	f.noError(nil, f.want(http.StatusOK, "PATCH", sharedID(0), `{"country":"fr"}`))
	_, verified, err = copier.CopyAndVerify[string, account](t.Context(), f.old, f.new, nil)
	if err != nil || verified.Clean() || !strings.Contains(strings.Join(verified.Reasons(), "\n"), "legacy_crm") {
		t.Errorf("with a field that stays behind: %v, %v", verified.Reasons(), err)
	}
	_, verified, err = copier.CopyAndVerify[string, account](t.Context(), f.old, f.new, accept)
	if err != nil || !verified.Clean() {
		t.Fatalf("%v, %v", verified.Reasons(), err)
	}

	f.flip(flags.ReadNewWriteBoth, 3)
	// What one of the places refuses is the client's mistake now, and changes nothing.
	for _, country := range []string{"", strings.Repeat("x", 3000)} {
		f.noError(nil, f.want(http.StatusUnprocessableEntity, "PATCH", sharedID(1), fmt.Sprintf(`{"country":%q}`, country)))
	}
	f.noError(nil, f.want(http.StatusUnprocessableEntity, "PATCH", sharedID(2), fmt.Sprintf(`{"email":%q}`, sharedID(1))))
	f.traffic(5)
	f.flip(flags.ReadOldWriteBoth, 6)
	f.flip(flags.ReadNewWriteBoth, 8)
	verified, err = copier.Verify[string, account](t.Context(), f.old, f.new, nil)
	if err != nil || !verified.Clean() {
		t.Fatalf("%v, %v", verified.Reasons(), err)
	}
	f.flip(flags.NewOnly, 10)
	f.traffic(12)
	f.end()
}

// end replaces the wrapper, takes the metadata off, and compares every account with what its client knows.
func (f *fleet) end() {
	f.Helper()
	for i, repo := range f.repos {
		if s := repo.Status(); len(s.Blocked) > 0 {
			f.Errorf("blocked: %v", s.Blocked)
		}
		f.shut[i].Close()
		f.noError(nil, repo.Close(f.Context()))
	}
	finished, err := copier.Finish[string, account](f.Context(), f.new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err != nil || !finished.Clean() {
		f.Errorf("finish: %v, %v", finished.Reasons(), err)
	}
	want := map[string]account{}
	for _, known := range f.known {
		maps.Copy(want, known)
	}
	visits := 0
	for e, err := range f.new.Scan(f.Context(), "", nil) {
		f.noError(nil, err)
		v := e.Record.Value
		if e.Record.Version != stores.Unstamped {
			f.Errorf("%s has the version %v after finish", e.Key, e.Record.Version)
		}
		if strings.HasPrefix(e.Key, "shared-") {
			visits += v.Visits
			continue
		}
		if v != want[e.Key] {
			f.Errorf("%s is %+v, want %+v", e.Key, v, want[e.Key])
		}
		delete(want, e.Key)
	}
	for id, a := range want {
		if (a != account{}) {
			f.Errorf("%s is lost: %+v", id, a)
		}
	}
	f.Logf("%d visits: %d were acknowledged, of %d the outcome was not known", visits, f.counted, f.unsure)
	if visits < f.counted || visits > f.counted+f.unsure {
		f.Errorf("%d visits, want %d and up to %d more", visits, f.counted, f.unsure)
	}
}
