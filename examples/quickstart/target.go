package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// target says where a place is: in a bolt file, in a collection of MongoDB or in a table of DynamoDB.
type target struct {
	// file is the path of a bolt file; "" is the default one in the folder of the run.
	file string
	// uri is the connection string of a MongoDB deployment, without a namespace in it; "" for a place elsewhere.
	uri                  string
	database, collection string
	// endpoint is the URL of a DynamoDB server; "" for a place elsewhere.
	endpoint, table string
	// change is what is different in clients of DynamoDB, except for the one that pings. Only tests do that.
	change func(*dynamodb.Options)
	// attempt is how long one attempt of these clients may take; 0 is attemptTimeout. Only tests give more.
	attempt time.Duration
	// shown is what is printed for a collection or a table: a connection string may hold a password.
	shown string
}

// inMongoDB tells a collection from other places.
func (t *target) inMongoDB() bool { return t.uri != "" }

// inDynamoDB tells a table from other places.
func (t *target) inDynamoDB() bool { return t.endpoint != "" }

// inServer tells a place in a database that can go away from a file.
func (t *target) inServer() bool { return t.inMongoDB() || t.inDynamoDB() }

// pathIn is the bolt file's path, with the default name in the folder of the run.
func (t *target) pathIn(dir, name string) string {
	if t.file == "" {
		return filepath.Join(dir, name)
	}
	return t.file
}

// same tells whether two targets are the same file, collection or table. Two names of one server are not recognised; that
// its collections and tables are empty and of this run's own making is checked when they are claimed.
func (t *target) same(o *target) bool {
	if t.inServer() || o.inServer() {
		return t.uri == o.uri && t.database == o.database && t.collection == o.collection && t.endpoint == o.endpoint && t.table == o.table
	}
	return t.file != "" && filepath.Clean(t.file) == filepath.Clean(o.file)
}

const (
	mongoSyntax  = "mongodb://HOST:PORT/DATABASE.COLLECTION?OPTIONS"
	dynamoSyntax = "dynamodb://HOST:PORT/TABLE"
)

// parseTarget reads what -old or -new says.
func parseTarget(s string) (target, error) {
	scheme, rest, isURI := strings.Cut(s, "://")
	switch {
	case !isURI:
		return target{file: s}, nil
	case scheme == "mongodb" || scheme == "mongodb+srv":
		return parseCollection(scheme, rest)
	case scheme == "dynamodb":
		return parseTable(rest)
	default:
		return target{}, fmt.Errorf("nothing is known of %s://: want a path, or %s, or %s", scheme, mongoSyntax, dynamoSyntax)
	}
}

// parseCollection reads what follows the scheme. What the driver takes for the database to log in to is the namespace
// here; authSource says the other.
func parseCollection(scheme, rest string) (target, error) {
	hosts, path, _ := strings.Cut(rest, "/")
	name, options, hasOptions := strings.Cut(path, "?")
	name, err := url.PathUnescape(name)
	database, collection, _ := strings.Cut(name, ".")
	if err != nil || hosts == "" || database == "" || collection == "" {
		return target{}, errors.New("it names no collection: want " + mongoSyntax)
	}
	t := target{uri: scheme + "://" + hosts + "/", database: database, collection: collection}
	if hasOptions {
		t.uri += "?" + options
	}
	t.shown = fmt.Sprintf("%s://%s/%s", scheme, hosts[strings.LastIndexByte(hosts, '@')+1:], name)
	return t, nil
}

// tableName is what DynamoDB takes for one, and hostPort a server that is named with its port.
var (
	tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
	hostPort  = regexp.MustCompile(`^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$`)
)

// parseTable reads what follows the scheme. Nothing in it means AWS: an example must not reach an account, and its bill, by
// a slip on the command line.
func parseTable(rest string) (target, error) {
	host, table, _ := strings.Cut(rest, "/")
	switch {
	case !hostPort.MatchString(host):
		return target{}, errors.New("it names no server with its port (that of AWS is none that this example takes): want " + dynamoSyntax)
	case !tableName.MatchString(table):
		return target{}, errors.New("it names no table (3 to 255 letters, digits, _, - or .): want " + dynamoSyntax)
	}
	return target{endpoint: "http://" + host, table: table, shown: "dynamodb://" + host + "/" + table}, nil
}
