package main

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// clients are the connections of one user of the places to the databases they are in: of an instance, the copier or
// the checker. Two places on one server share a client, as they would in a service. The zero value has none.
type clients struct {
	byURI      map[string]*mongo.Client
	byEndpoint map[string]*dynamoClient
}

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

// dynamoDB is the client for a target's server.
func (c *clients) dynamoDB(t *target) *dynamoClient {
	client := c.byEndpoint[t.endpoint]
	if client == nil {
		client = newDynamoClient(t)
		if t.change != nil {
			client = newDynamoClient(t, t.change)
		}
		if c.byEndpoint == nil {
			c.byEndpoint = map[string]*dynamoClient{}
		}
		c.byEndpoint[t.endpoint] = client
	}
	return client
}

// close disconnects what is connected.
func (c *clients) close(ctx context.Context) error {
	var errs []error
	for _, client := range c.byURI {
		if err := client.Disconnect(ctx); err != nil {
			errs = append(errs, fmt.Errorf("disconnecting: %w", err))
		}
	}
	for _, client := range c.byEndpoint {
		client.close()
	}
	c.byURI, c.byEndpoint = nil, nil
	return errors.Join(errs...)
}
