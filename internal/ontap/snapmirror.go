package ontap

import (
	"context"
	"errors"
)

// Relationship is a SnapMirror relationship.
type Relationship struct {
	UUID   string `json:"uuid"`
	Source struct {
		Path string `json:"path"`
		SVM  Ref    `json:"svm"`
	} `json:"source"`
	Destination struct {
		Path string `json:"path"`
		SVM  Ref    `json:"svm"`
	} `json:"destination"`
}

// Relationships are those that this array knows and in which an SVM takes part,
// as source or destination. An array may not know of a relationship whose
// destination is elsewhere: SVMSnapMirror says whether the SVM is protected.
func (c *Client) Relationships(ctx context.Context, svmUUID string) ([]Relationship, error) {
	var all []Relationship
	for _, side := range []string{"source.svm.uuid", "destination.svm.uuid"} {
		r := get("list snapmirror relationships", KindSnapMirror, at("snapmirror/relationships"), "uuid", "source.path", "source.svm", "destination.path", "destination.svm").needUUID(svmUUID)
		r.filter(side, svmUUID)
		found, err := All(list(ctx, c, r, func(v Relationship) error {
			if !isUUID(v.UUID) || v.Source.SVM.UUID != svmUUID && v.Destination.SVM.UUID != svmUUID {
				return errors.New("a relationship that was not asked for")
			}
			return nil
		}))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
