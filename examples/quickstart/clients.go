package main

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// clients are the connections of one user of the places to the databases they are in: of an instance, the copier or
// the checker. Two places in one deployment share a client, as they would in a service. The zero value has none.
type clients struct{ byURI map[string]*mongo.Client }

// poolSize is how many connections a client opens at most, unless the connection string says otherwise: more requests at
// once than a server has cores and disks for make all of them slower.
const poolSize = 8

// to is the client for a connection string.
func (c *clients) to(uri string) (*mongo.Client, error) {
	if client := c.byURI[uri]; client != nil {
		return client, nil
	}
	client, err := mongo.Connect(options.Client().SetAppName("quickstart").SetMaxPoolSize(poolSize).ApplyURI(uri))
	if err != nil {
		return nil, err
	}
	if c.byURI == nil {
		c.byURI = map[string]*mongo.Client{}
	}
	c.byURI[uri] = client
	return client, nil
}

// close disconnects what is connected.
func (c *clients) close(ctx context.Context) error {
	var errs []error
	for _, client := range c.byURI {
		if err := client.Disconnect(ctx); err != nil {
			errs = append(errs, fmt.Errorf("disconnecting: %w", err))
		}
	}
	c.byURI = nil
	return errors.Join(errs...)
}
