package s3

import (
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/seedproof/seedproof/internal/store"
)

// errStranger: the answer lacks what every S3 server sends. A proxy or another
// program spoke, and it knows nothing of the place.
var errStranger = errors.New("the answer is not one of an S3 server")

// class names the sentinel that an error stands for, or nil for unknown. Only
// codes that the server wrote out count for an absence: a bare status may be
// anybody's.
func class(err error) error {
	status, code := statusOf(err), codeOf(err)
	switch {
	case status == http.StatusNotFound && code == "NoSuchKey":
		return store.ErrNotFound
	case status == http.StatusNotFound && code == "NoSuchBucket":
		return store.ErrNoPlace
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return store.ErrDenied
	case status == http.StatusPreconditionFailed:
		return store.ErrConditionFailed
	}
	return nil
}

// failed is err, classed, with what was being done to which object.
func failed(doing, full string, err error) error {
	if sentinel := class(err); sentinel != nil {
		return fmt.Errorf("%s %s: %w: %w", doing, full, sentinel, err)
	}
	return fmt.Errorf("%s %s: %w", doing, full, err)
}

// failedWrite is failed for a conditional write, where a missing object means
// that the version to be replaced is not there.
func failedWrite(doing, full string, c store.Condition, err error) error {
	if c.Version() != "" && errors.Is(class(err), store.ErrNotFound) {
		return fmt.Errorf("%s %s: %w: %w", doing, full, store.ErrConditionFailed, err)
	}
	return failed(doing, full, err)
}

func statusOf(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
