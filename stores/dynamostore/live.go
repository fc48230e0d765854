package dynamostore

// Live is a filter for the application's own queries and scans that leaves tombstones out, for a store with the default
// Meta: an expression, and the names that it needs. The map is the caller's, to add names to.
//
//	filter, names := dynamostore.Live()
//	names["#pk"] = "pk"
//	in := &dynamodb.QueryInput{
//		KeyConditionExpression: aws.String("#pk = :pk"), FilterExpression: &filter, ExpressionAttributeNames: names, …
//
// A filter of your own comes before it, with AND; in parentheses if it has an OR.
func Live() (filter string, names map[string]string) { return liveFilter(defaultMeta) }

// Live is [Live] for this store's Meta.
func (s *Store[K, V]) Live() (filter string, names map[string]string) { return liveFilter(s.opts.Meta) }

func liveFilter(meta string) (filter string, names map[string]string) {
	return notExists("#dw.#dw_d"), map[string]string{"#dw": meta, "#dw_d": metaDeleted}
}
