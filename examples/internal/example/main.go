// Package example is what the examples on databases have in common, and nothing of what a migration is made of: a
// connection, a flag to flip, clients that check their answers, and a comparison of documents and items in the end.
package example

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const (
	// uriVariable is the environment variable with the connection string of MongoDB, endpointVariable that with the URL of
	// DynamoDB.
	uriVariable      = "MONGODB_URI"
	endpointVariable = "DYNAMODB_ENDPOINT"
)

// OnMongoDB runs an example in the database dualwrite_example_NAME, which it drops before, and afterwards too unless -keep is
// given; and in others whose names begin with that, which are the example's to drop. It prints RESULT ok or RESULT FAILED,
// and returns the exit status.
func OnMongoDB(name string, run func(context.Context, *mongo.Database, *log.Logger) error) int {
	return program{name: name, mongodb: true}.main(func(ctx context.Context, db *mongo.Database, _ *Tables, out *log.Logger) error {
		return run(ctx, db, out)
	})
}

// OnDynamoDB runs an example with tables whose names begin with dualwrite_example_NAME, and otherwise like [OnMongoDB].
func OnDynamoDB(name string, run func(context.Context, *Tables, *log.Logger) error) int {
	return program{name: name, dynamodb: true}.main(func(ctx context.Context, _ *mongo.Database, tables *Tables, out *log.Logger) error {
		return run(ctx, tables, out)
	})
}

// OnBoth runs an example with a database and tables, like [OnMongoDB] and [OnDynamoDB].
func OnBoth(name string, run func(context.Context, *mongo.Database, *Tables, *log.Logger) error) int {
	return program{name: name, mongodb: true, dynamodb: true}.main(run)
}

// body is an example, on the databases that it asked for.
type body func(context.Context, *mongo.Database, *Tables, *log.Logger) error

// program is an example with its command line.
type program struct {
	name              string
	mongodb, dynamodb bool
	uri, endpoint     string
	keep              bool
}

func (p program) main(run body) int {
	fs := flag.NewFlagSet(p.name, flag.ContinueOnError)
	if p.mongodb {
		fs.StringVar(&p.uri, "uri", os.Getenv(uriVariable), "connection string of a replica set or sharded cluster; default $"+uriVariable)
	}
	if p.dynamodb {
		fs.StringVar(&p.endpoint, "endpoint", os.Getenv(endpointVariable), "URL of DynamoDB; default $"+endpointVariable)
	}
	fs.BoolVar(&p.keep, "keep", false, "leave everything there, to look at")
	switch err := fs.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := log.New(os.Stdout, "", 0)
	began := time.Now()
	if err := p.run(ctx, run, out); err != nil {
		out.Printf("RESULT FAILED %v", err)
		return 1
	}
	out.Printf("RESULT ok in %v", time.Since(began).Round(100*time.Millisecond))
	return 0
}

// run makes what the example asked for, runs it and removes what is left.
func (p program) run(ctx context.Context, run body, out *log.Logger) error {
	prefix := "dualwrite_example_" + p.name
	var tables *Tables
	if p.dynamodb {
		client, err := connect(p.endpoint)
		if err != nil {
			return err
		}
		tables = NewTables(client, prefix)
	}
	inside := func(db *mongo.Database) error {
		if err := drop(ctx, db, tables); err != nil {
			return err
		}
		err := run(ctx, db, tables, out)
		if p.keep {
			return err
		}
		return errors.Join(err, drop(context.WithoutCancel(ctx), db, tables))
	}
	if !p.mongodb {
		return inside(nil)
	}
	return connected(ctx, p.uri, func(client *mongo.Client) error { return inside(client.Database(prefix)) })
}

func drop(ctx context.Context, db *mongo.Database, tables *Tables) (err error) {
	if db != nil {
		err = db.Drop(ctx)
	}
	if tables != nil {
		err = errors.Join(err, tables.Drop(ctx))
	}
	return err
}

func connected(ctx context.Context, uri string, use func(*mongo.Client) error) error {
	if uri == "" {
		return noServer(uriVariable, "-uri", "mongodb")
	}
	// A server that is not there is to be heard of soon.
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(10 * time.Second))
	if err != nil {
		return err
	}
	return errors.Join(use(client), client.Disconnect(context.WithoutCancel(ctx)))
}

func noServer(variable, flag, server string) error {
	return fmt.Errorf("no server: set %s or give %s; `go run ./internal/servers/with %s -- COMMAND` in the root of the "+
		"repository starts one for a command", variable, flag, server)
}
