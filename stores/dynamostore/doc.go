// Package dynamostore keeps records in DynamoDB tables.
package dynamostore
