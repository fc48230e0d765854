package main

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// The defaults of the AWS SDK leave three things to a service, and each of them has to be decided for one that shall get
// over a server that is gone, silent or busy for some seconds.
const (
	// attemptTimeout is how long one attempt may take. The SDK has no limit: over a connection that has gone silent, of which no
	// error ever comes, a request would wait for as long as its context lets it. It is well below what a request may take,
	// so that there is time for another connection, and above what a busy server needs: an attempt that is given up may
	// have had an effect, and a write's outcome is then harder to tell.
	attemptTimeout = 3 * time.Second
	// dialTimeout is how long a connection may take; the SDK's 30 s are more than a request has.
	dialTimeout = time.Second
	// attempts is how often a request is sent. After three, the SDK's default, a server that refuses some requests because of
	// its limits would soon have refused one for good, long before its time is over.
	attempts = 10
	// idleConnections are kept; with the SDK's ten, more requests at once would make a new connection each.
	idleConnections = 64
)

// dynamoClient is a client with connections of its own.
type dynamoClient struct {
	*dynamodb.Client
	http *http.Client
}

// newDynamoClient makes a client of a target's server. The credentials are made up: a server on one's own machine looks at no
// signature, and AWS refuses these. A service on AWS takes what the SDK's config.LoadDefaultConfig finds.
func newDynamoClient(t *target, change ...func(*dynamodb.Options)) *dynamoClient {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: time.Minute,
	}
	c := &dynamoClient{http: &http.Client{Transport: transport, Timeout: cmp.Or(t.attempt, attemptTimeout)}}
	c.Client = dynamodb.New(dynamodb.Options{
		Region:       "us-east-1", // a server of one's own has all of them
		BaseEndpoint: aws.String(t.endpoint),
		HTTPClient:   c.http,
		Retryer:      retry.NewStandard(patientRetries),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "quickstart", SecretAccessKey: "quickstart"}, nil
		}),
	}, change...)
	return c
}

// patientRetries are those of a service with a deadline for each request, which bounds how long it is repeated. The SDK's own
// quota would go on failing requests after an outage has used it up, and its first wait is half a second on average.
func patientRetries(o *retry.StandardOptions) {
	o.MaxAttempts = attempts
	o.RateLimiter = ratelimit.None
	o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
		return rand.N(min(firstWait<<attempt, maxWait)), nil
	})
}

// Before the first repetition is a random wait of up to twice firstWait, before each further one of up to twice as long.
const (
	firstWait = 10 * time.Millisecond
	maxWait   = time.Second
)

// close ends the connections that are idle, which all of them are when nobody sends anything any more.
func (c *dynamoClient) close() { c.http.CloseIdleConnections() }
