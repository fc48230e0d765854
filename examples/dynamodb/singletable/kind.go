package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// kind is one kind of item: its two places, its repository and its clients.
type kind[V any] struct {
	old, new *dynamostore.Store[string, V]
	records  *dualwrite.Repository[string, V]
	traffic  *example.Traffic[string, V]
}

// openKind opens an old table of its own, which needs no options, and its part of the new one.
func openKind[V any](ctx context.Context, client *dynamodb.Client, from, to string, flag *example.Flag, o *dynamostore.Options[string, V]) (*kind[V], error) {
	var k kind[V]
	var err error
	if k.old, err = dynamostore.New[string, V](ctx, client, from, nil); err != nil {
		return nil, err
	}
	if k.new, err = dynamostore.New(ctx, client, to, o); err != nil {
		return nil, err
	}
	k.records, err = dualwrite.New(k.old, k.new, flag.Source(), nil)
	return &k, err
}

func (k *kind[V]) start(ctx context.Context, there map[string]V, requests example.Requests[string, V]) {
	k.traffic = example.StartTraffic(ctx, k.records, there, requests)
}

// stop returns the records that have to be there.
func (k *kind[V]) stop(ctx context.Context) (map[string]V, error) {
	there, err := k.traffic.Stop()
	return there, errors.Join(err, k.records.Close(ctx))
}

func (k *kind[V]) copy(ctx context.Context) (copied, verified copier.Report, err error) {
	return copier.CopyAndVerify(ctx, k.old, k.new, nil)
}

func (k *kind[V]) verify(ctx context.Context) (copier.Report, error) {
	return copier.Verify(ctx, k.old, k.new, nil)
}
