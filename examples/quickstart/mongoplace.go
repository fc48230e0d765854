package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// mongoPlace is a place in a collection of MongoDB: a document for each record, with the id as its _id.
type mongoPlace[V any] struct {
	target    *target
	shape     *shape[V]
	documents *documents[V]

	own    clients           // the checker's
	coll   *mongo.Collection // over them
	pinger *mongo.Client
	// claimed says that this run may use the collection, created that it has made it; one that was there, empty, is
	// somebody's.
	claimed, created bool
}

func (p *mongoPlace[V]) String() string { return p.target.shown }

func (p *mongoPlace[V]) at(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%v: %w", p, err)
}

// claim creates the collection, or takes one that is there and empty.
func (p *mongoPlace[V]) claim(ctx context.Context) error {
	client, err := p.own.to(p.target.uri)
	if err != nil {
		return refused(p.at(err))
	}
	db := client.Database(p.target.database)
	p.coll = db.Collection(p.target.collection, options.Collection().
		SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).SetWriteConcern(writeconcern.Majority()))
	there, err := db.ListCollectionNames(ctx, bson.D{{Key: "name", Value: p.target.collection}})
	if err != nil {
		return refused(p.at(err))
	}
	if len(there) == 0 {
		if err := db.CreateCollection(ctx, p.target.collection); err != nil {
			return refused(p.at(err))
		}
		p.claimed, p.created = true, true
		return nil
	}
	switch err := p.coll.FindOne(ctx, bson.D{}).Err(); {
	case errors.Is(err, mongo.ErrNoDocuments):
		p.claimed = true
		return nil
	case err != nil:
		return refused(p.at(err))
	default:
		return refused(fmt.Errorf("%v holds documents already: name another collection, or drop it", p))
	}
}

// fill inserts the documents as any service does.
func (p *mongoPlace[V]) fill(ctx context.Context, records []record, progress func(done int)) error {
	for done := 0; done < len(records); {
		batch := records[done:min(done+importBatch, len(records))]
		docs := make([]bson.D, len(batch))
		for i := range batch {
			var err error
			if docs[i], err = p.document(&batch[i]); err != nil {
				return p.at(fmt.Errorf("%q: %w", batch[i].id, err))
			}
		}
		if _, err := p.coll.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false)); err != nil {
			return p.at(err)
		}
		done += len(batch)
		progress(done)
	}
	return nil
}

func (p *mongoPlace[V]) document(r *record) (bson.D, error) {
	v, err := p.shape.decodeOld(r.line)
	if err != nil {
		return nil, err
	}
	return p.documents.encode(v)
}

// notFoundAfter is how long a ping looks for a server that it can be sent to. One that is found may take longer to answer: a
// slow server is no outage.
const notFoundAfter = 100 * time.Millisecond

func (p *mongoPlace[V]) open(context.Context) (err error) {
	p.pinger, err = mongo.Connect(options.Client().ApplyURI(p.target.uri).SetServerSelectionTimeout(notFoundAfter).SetMaxPoolSize(1))
	return p.at(err)
}

// store is all that it takes to use a collection: a client, and how the shape is mapped to the service's own type.
func (p *mongoPlace[V]) store(ctx context.Context, own *clients) (stores.Store[string, V], error) {
	client, err := own.to(p.target.uri)
	if err != nil {
		return nil, p.at(err)
	}
	coll := client.Database(p.target.database).Collection(p.target.collection)
	return mongostore.New(ctx, coll, &mongostore.Options[string, V]{Encode: p.documents.encode, Decode: p.documents.decode})
}

// snapshot knows of the SDK what everybody has to who reads a place directly: tombstones are no records, and the metadata
// is no content.
func (p *mongoPlace[V]) snapshot(ctx context.Context) (map[string][]byte, error) {
	noMeta := bson.D{{Key: mongostore.DefaultMeta, Value: 0}}
	cursor, err := p.coll.Find(ctx, mongostore.Live(), options.Find().SetProjection(noMeta))
	if err != nil {
		return nil, p.at(err)
	}
	defer cursor.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the server gives up cursors that are not closed
	records := map[string][]byte{}
	for cursor.Next(ctx) {
		key, ok := cursor.Current.Lookup("_id").StringValueOK()
		if _, twice := records[key]; !ok || twice {
			return nil, fmt.Errorf("%v: the _id %v is no string, or is there twice", p, cursor.Current.Lookup("_id"))
		}
		records[key] = append([]byte(nil), cursor.Current...)
	}
	return records, p.at(cursor.Err())
}

func (p *mongoPlace[V]) text(_ *record, b []byte) (string, error) {
	v, err := p.documents.decode(b)
	if err != nil {
		return "", err
	}
	return p.shape.text(v)
}

func (p *mongoPlace[V]) ping(ctx context.Context) error {
	return p.pinger.Ping(ctx, readpref.Primary())
}

func (p *mongoPlace[V]) leave(ctx context.Context, keep bool) (string, error) {
	defer func() { p.claimed = false }()
	switch {
	case !p.claimed:
		return "", nil
	case p.created && !keep:
		return "", p.at(p.coll.Drop(ctx))
	default:
		return p.String(), nil
	}
}

func (p *mongoPlace[V]) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := p.own.close(ctx)
	if p.pinger != nil {
		err = errors.Join(err, p.pinger.Disconnect(ctx))
	}
	return p.at(err)
}
