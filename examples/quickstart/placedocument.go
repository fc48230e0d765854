package main

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Places in MongoDB: in the old shape {_id, name, lat, lng, country, admin1, admin2}, all of them strings, in the new one
// {_id, name, country, location: {lon, lat}, admin: {level1, level2}} with numbers.

func encodeOldDocument(p Place) (bson.D, error) {
	o := p.old()
	return bson.D{
		{Key: "_id", Value: o.ID}, {Key: "name", Value: o.Name}, {Key: "lat", Value: o.Lat}, {Key: "lng", Value: o.Lng},
		{Key: "country", Value: o.Country}, {Key: "admin1", Value: o.Admin1}, {Key: "admin2", Value: o.Admin2},
	}, nil
}

func decodeOldDocument(doc bson.Raw) (Place, error) {
	var o oldPlace
	if err := bson.Unmarshal(doc, &o); err != nil {
		return Place{}, err
	}
	return o.place()
}

func encodeNewDocument(p Place) (bson.D, error) {
	d := bson.D{
		{Key: "_id", Value: p.ID}, {Key: "name", Value: p.Name}, {Key: "country", Value: p.Country},
		{Key: "location", Value: p.Location},
	}
	if p.Admin != (Admin{}) {
		d = append(d, bson.E{Key: "admin", Value: p.Admin})
	}
	return d, nil
}

func decodeNewDocument(doc bson.Raw) (p Place, err error) { return p, bson.Unmarshal(doc, &p) }
