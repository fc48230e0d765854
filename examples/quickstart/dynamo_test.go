package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// inTable is a place in a table, as the command line names it.
func inTable(t *testing.T, addr, table string) target {
	t.Helper()
	at, err := parseTarget("dynamodb://" + addr + "/" + table)
	if err != nil {
		t.Fatal(err)
	}
	at.attempt = patient.request
	return at
}

// ownServer is the address of a server that the tests have started: the command goes to no other one.
func ownServer(t *testing.T) string {
	t.Helper()
	if os.Getenv(dynamotest.EndpointVariable) != "" {
		return servers.ForTest(t, servers.DynamoDB()).Addr()
	}
	return strings.TrimPrefix(dynamotest.Endpoint(t), "http://")
}

// freshTable is the name of a table that is not there yet.
func freshTable(t *testing.T) string {
	return strings.ReplaceAll(t.Name(), "/", "-")
}

func tables(t *testing.T, addr string) []string {
	t.Helper()
	out, err := dynamotest.ClientAt("http://"+addr).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.TableNames
}

// readmeDynamoCommand has the two places of the command in the README.
var readmeDynamoCommand = regexp.MustCompile(`(?m)^go run ./examples/quickstart -old mongodb://127\.0\.0\.1/quickstart\.(\w+) -new dynamodb://127\.0\.0\.1:8000/(\w+)$`)

// The command of the README, on other servers and with fewer records.
func TestMongoDBToDynamoDB(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := readmeDynamoCommand.FindStringSubmatch(string(readme))
	if names == nil {
		t.Fatal("the README has no such command")
	}
	db, addr := mongotest.Database(t), ownServer(t)
	c := quickMongo(t)
	c.old, c.new = at(t, mongotest.URI(t), db.Name(), names[1]), inTable(t, addr, names[2])
	c.report = filepath.Join(t.TempDir(), "report.json")
	var out buffer
	if counts := runsOver(t, c, &out); fmt.Sprint(counts) != "[0 0 0]" {
		t.Errorf("outages of servers that were there: %v\n%s", counts, out.String())
	}
	if r := readReport(t, c.report); len(r.Flips) != len(way) || passed(r) < 1500 || !strings.Contains(out.String(), "0 of them differ") {
		t.Errorf("flips %v, copied %d\n%s", r.Flips, passed(r), out.String())
	}
	if left := tables(t, addr); slices.Contains(left, names[2]) {
		t.Errorf("left behind: %v", left)
	}
}

// Records of one's own, from one table that was there to another.
func TestDynamoDBToDynamoDB(t *testing.T) {
	t.Parallel()
	addr := ownServer(t)
	client := dynamotest.ClientAt("http://" + addr)
	was := dynamotest.Table(t, client, "id:S")
	var lines strings.Builder
	for n := range 200 {
		fmt.Fprintf(&lines, `{"n":%d.10,"id":"r%d","tags":["a", {"deep":null}],"big":1234567890123456789012345678901234567,"e":"","s":"\u00e9"}`+"\n", n, n)
	}
	c := quickMongo(t)
	c.records, c.input = 0, filepath.Join(t.TempDir(), "own.jsonl")
	c.old, c.new = inTable(t, addr, freshTable(t)), inTable(t, addr, was)
	if err := os.WriteFile(c.input, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var out buffer
	runsOver(t, c, &out)
	if !strings.Contains(out.String(), "what was written to "+c.new.shown+" is left there") || slices.Contains(tables(t, addr), freshTable(t)) {
		t.Errorf("tables %v\n%s", tables(t, addr), out.String())
	}
	left, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &was})
	if err != nil {
		t.Fatal(err)
	}
	nested := 0
	for _, item := range left.Items {
		if _, ok := item[nestedField].(*types.AttributeValueMemberM); ok && item["big"] == nil {
			nested++
		}
	}
	if nested < 50 {
		t.Errorf("%d of %d items are in the new shape", nested, len(left.Items))
	}
}

func keyOf(id string) dynamostore.Item {
	return dynamostore.Item{"id": &types.AttributeValueMemberS{Value: id}}
}

// From a table back into a collection, and from a file into a table.
func TestDynamoDBElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("the way there is tested, and every shape")
	}
	db, addr := mongotest.Database(t), ownServer(t)
	for name, c := range map[string]struct{ old, new target }{
		"to MongoDB": {inTable(t, addr, "to-mongodb"), at(t, mongotest.URI(t), db.Name(), "new")},
		"from bolt":  {target{}, inTable(t, addr, "from-bolt")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := quickMongo(t)
			cfg.records, cfg.old, cfg.new = 300, c.old, c.new
			runsOver(t, cfg, &buffer{})
		})
	}
}

// What is somebody's is refused, with nothing done and nothing left behind.
func TestDynamoDBRefused(t *testing.T) {
	addr := ownServer(t)
	client := dynamotest.ClientAt("http://" + addr)
	full := dynamotest.Table(t, client, "id:S")
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &full, Item: keyOf("somebody's")}); err != nil {
		t.Fatal(err)
	}
	before := len(tables(t, addr))
	for want, table := range map[string]string{
		" holds items already":              full,
		" has another key than a partition": dynamotest.Table(t, client, "key:S"),
		"another key than a partition":      dynamotest.Table(t, client, "id:N"),
		"has another key":                   dynamotest.Table(t, client, "id:S", "n:N"),
	} {
		c := quickMongo(t)
		c.records = 10
		c.old, c.new = inTable(t, addr, freshTable(t)), inTable(t, addr, table)
		var out, errOut buffer
		if code := quickstart(t.Context(), c, &out, &errOut); code != exitUsage || !strings.Contains(errOut.String(), want) || !strings.Contains(errOut.String(), c.new.shown) {
			t.Errorf("exit %d, %s", code, errOut.String())
		}
	}
	if after := tables(t, addr); len(after) != before+3 {
		t.Errorf("left behind: %v", after)
	}
	if left, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &full}); err != nil || len(left.Items) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	c := quickMongo(t)
	c.old, c.new = inTable(t, "127.0.0.1:1", "none"), inTable(t, addr, freshTable(t))
	var errOut buffer
	if code := quickstart(t.Context(), c, &buffer{}, &errOut); code != exitUsage || !strings.Contains(errOut.String(), "dynamodb://127.0.0.1:1/none") {
		t.Errorf("a server that is not there: exit %d, %s", code, errOut.String())
	}
}
