package azblob

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/seedproof/seedproof/internal/store"
)

// errStranger: the answer lacks what Azure always sends. A proxy or another
// program spoke, and it knows nothing of the place.
var errStranger = errors.New("the answer is not one of Azure Blob Storage")

// class names the sentinel that an error stands for, or nil for unknown. Only
// codes that the server wrote out count for an absence or a condition: a bare
// status may be anybody's, and a lease that somebody holds is a 412 too.
func class(err error) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return nil
	}
	status, code := answer.StatusCode, bloberror.Code(answer.ErrorCode)
	switch {
	case status == http.StatusNotFound && code == bloberror.BlobNotFound:
		return store.ErrNotFound
	case status == http.StatusNotFound && code == bloberror.ContainerNotFound:
		return store.ErrNoPlace
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return store.ErrDenied
	case status == http.StatusPreconditionFailed && code == bloberror.ConditionNotMet:
		return store.ErrConditionFailed
	}
	return nil
}

// failed is err, classed, with what was being done to which object.
func failed(doing, full string, err error) error {
	if sentinel := class(err); sentinel != nil {
		return fmt.Errorf("%s %s: %w: %w", doing, full, sentinel, oneLine(err))
	}
	return fmt.Errorf("%s %s: %w", doing, full, oneLine(err))
}

// failedWrite is failed for a write, where what stands in the way of a
// condition has more than one code.
func failedWrite(doing, full string, c store.Condition, err error) error {
	exists := c.Absent() && bloberror.HasCode(err, bloberror.BlobAlreadyExists)
	gone := c.Version() != "" && errors.Is(class(err), store.ErrNotFound)
	if exists || gone {
		return fmt.Errorf("%s %s: %w: %w", doing, full, store.ErrConditionFailed, oneLine(err))
	}
	return failed(doing, full, err)
}

func statusOf(err error) int {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

// longest is how much of a foreign error's text is kept, in bytes.
const longest = 600

// line is an error of the SDK in one line; the SDK's own text is a page.
type line struct{ err error }

func oneLine(err error) error { return &line{err} }

func (l *line) Unwrap() error { return l.err }

func (l *line) Error() string {
	var answer *azcore.ResponseError
	if errors.As(l.err, &answer) {
		return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", answer.StatusCode, answer.ErrorCode))
	}
	text := strings.Join(strings.Fields(l.err.Error()), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
