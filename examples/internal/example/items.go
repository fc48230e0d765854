package example

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CompareItems compares a table with the items that it has to hold, by the plain client: none missing, none more, each with
// exactly these attributes, the same in type and value. The elements of a set have no order. id tells which of the items
// wanted an item is to be; what it is empty for is not looked at.
func CompareItems(ctx context.Context, client *dynamodb.Client, table string, id func(map[string]types.AttributeValue) string, want map[string]map[string]types.AttributeValue) error {
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	seen := map[string]bool{}
	var wrong []error
	for pages.HasMorePages() && len(wrong) < wrongShown {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			name := id(item)
			if name == "" {
				continue
			}
			seen[name] = true
			if err := sameItem(item, want[name]); err != nil {
				wrong = append(wrong, fmt.Errorf("item %s: %w", name, err))
			}
		}
	}
	if len(wrong) == 0 {
		for name := range want {
			if !seen[name] {
				wrong = append(wrong, fmt.Errorf("item %s is missing", name))
			}
		}
	}
	return errors.Join(wrong[:min(len(wrong), wrongShown)]...)
}

func sameItem(got, want map[string]types.AttributeValue) error {
	if want == nil {
		return errors.New("it should not be there")
	}
	for name := range got {
		if want[name] == nil {
			return fmt.Errorf("attribute %q should not be there", name)
		}
	}
	for name, av := range want {
		if got[name] == nil {
			return fmt.Errorf("attribute %q is missing", name)
		}
		if !reflect.DeepEqual(sorted(got[name]), sorted(av)) {
			return fmt.Errorf("attribute %q is %v, want %v", name, show(got[name]), show(av))
		}
	}
	return nil
}

// sorted is a set in order, and any other value as it is.
func sorted(av types.AttributeValue) types.AttributeValue {
	switch av := av.(type) {
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Sorted(slices.Values(av.Value))}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Sorted(slices.Values(av.Value))}
	case *types.AttributeValueMemberBS:
		return &types.AttributeValueMemberBS{Value: slices.SortedFunc(slices.Values(av.Value), bytes.Compare)}
	default:
		return av
	}
}

// show is a value for people.
func show(av types.AttributeValue) string {
	switch av := av.(type) {
	case *types.AttributeValueMemberM:
		m := map[string]string{}
		for name, v := range av.Value {
			m[name] = show(v)
		}
		return fmt.Sprint(m)
	case *types.AttributeValueMemberL:
		l := make([]string, len(av.Value))
		for i, v := range av.Value {
			l[i] = show(v)
		}
		return fmt.Sprint(l)
	default:
		return fmt.Sprintf("%T(%v)", av, reflect.ValueOf(av).Elem().FieldByName("Value"))
	}
}
