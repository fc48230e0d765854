// Package mongostore keeps records in a MongoDB collection, through the official driver.
package mongostore
