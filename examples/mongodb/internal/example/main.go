// Package example is what the examples on MongoDB have in common, and nothing of what a migration is made of: a
// connection, a flag to flip, clients that check their answers, and a comparison of documents in the end.
package example

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// uriVariable is the environment variable with the connection string.
const uriVariable = "MONGODB_URI"

// Main runs an example in the database dualwrite_example_NAME, which it drops before, and afterwards too unless -keep is
// given; and in others whose names begin with that, which are the example's to drop. It prints RESULT ok or RESULT FAILED,
// and returns the exit status.
func Main(name string, run func(context.Context, *mongo.Database, *log.Logger) error) int {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	uri := fs.String("uri", os.Getenv(uriVariable), "connection string of a replica set or sharded cluster; default $"+uriVariable)
	keep := fs.Bool("keep", false, "leave the database there, to look at")
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
	err := connected(ctx, *uri, func(client *mongo.Client) error {
		db := client.Database("dualwrite_example_" + name)
		if err := db.Drop(ctx); err != nil {
			return err
		}
		err := run(ctx, db, out)
		if *keep {
			return err
		}
		return errors.Join(err, db.Drop(context.WithoutCancel(ctx)))
	})
	if err != nil {
		out.Printf("RESULT FAILED %v", err)
		return 1
	}
	out.Printf("RESULT ok in %v", time.Since(began).Round(100*time.Millisecond))
	return 0
}

func connected(ctx context.Context, uri string, use func(*mongo.Client) error) error {
	if uri == "" {
		return errors.New("no server: set " + uriVariable + " or give -uri; `go run ./internal/servers/with mongodb -- COMMAND` " +
			"in the root of the repository starts one for a command")
	}
	// A server that is not there is to be heard of soon.
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(10 * time.Second))
	if err != nil {
		return err
	}
	return errors.Join(use(client), client.Disconnect(context.WithoutCancel(ctx)))
}
