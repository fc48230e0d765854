package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// atlas is what the service shows of a country.
type atlas struct {
	motto            string
	cities, requests int
}

// atlas is a query of the service's own, which goes to where reads go at the moment. The new design is for its sake. It leaves
// out what was deleted: until the migration is finished, such an item is still there.
func (m *migration) atlas(ctx context.Context, code string) (atlas, error) {
	return dualwrite.Read(ctx, m.cities.records,
		func(ctx context.Context) (atlas, error) { return m.fromTwoTables(ctx, code) },
		func(ctx context.Context) (atlas, error) { return m.fromOneTable(ctx, code) })
}

// fromTwoTables reads the country and goes over all cities of the world for its own.
func (m *migration) fromTwoTables(ctx context.Context, code string) (a atlas, err error) {
	a.requests++
	got, err := m.tables.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &m.from.countries, Key: item{"code": text(code)}})
	if err != nil {
		return a, err
	}
	a.motto = value(got.Item, "motto")
	live, names := dynamostore.Live()
	names["#country"] = "country"
	pages := dynamodb.NewScanPaginator(m.tables.Client, &dynamodb.ScanInput{
		TableName: &m.from.cities, FilterExpression: aws.String("#country = :code AND " + live), ExpressionAttributeNames: names,
		ExpressionAttributeValues: map[string]types.AttributeValue{":code": text(code)},
	})
	for pages.HasMorePages() {
		a.requests++
		page, err := pages.NextPage(ctx)
		if err != nil {
			return a, err
		}
		a.cities += len(page.Items)
	}
	return a, nil
}

// fromOneTable asks for one partition.
func (m *migration) fromOneTable(ctx context.Context, code string) (a atlas, err error) {
	live, names := dynamostore.Live()
	pages := dynamodb.NewQueryPaginator(m.tables.Client, &dynamodb.QueryInput{
		TableName: &m.to, KeyConditionExpression: aws.String("pk = :pk"), FilterExpression: &live, ExpressionAttributeNames: names,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(partition + code)},
	})
	for pages.HasMorePages() {
		a.requests++
		page, err := pages.NextPage(ctx)
		if err != nil {
			return a, err
		}
		for _, found := range page.Items {
			switch sk := value(found, "sk"); {
			case sk == ofCountry:
				a.motto = value(found, "motto")
			case strings.HasPrefix(sk, ofCity):
				a.cities++
			}
		}
	}
	return a, nil
}
