package gcs

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/seedproof/seedproof/internal/store"
)

// errStranger: the answer lacks what Cloud Storage always sends. A proxy or
// another program spoke, and it knows nothing of the place.
var errStranger = errors.New("the answer is not one of Cloud Storage")

// busy are the reasons of a 403 that mean "later", not "no".
var busy = []string{"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}

// class names the sentinel that an error stands for by itself, or nil for
// unknown. A 404 is not among them: what is missing, the object, the bucket or
// an upload, it does not say in a form that can be relied on.
func class(err error) error {
	answer := answerOf(err)
	if answer == nil {
		return nil
	}
	switch answer.Code {
	case http.StatusUnauthorized:
		return store.ErrDenied
	case http.StatusForbidden:
		if slices.ContainsFunc(answer.Errors, func(e googleapi.ErrorItem) bool { return slices.Contains(busy, e.Reason) }) {
			return nil
		}
		return store.ErrDenied
	case http.StatusPreconditionFailed:
		if spoken(answer) {
			return store.ErrConditionFailed
		}
	}
	return nil
}

// spoken reports whether an answer is in the words of the API. A bare status
// may be anybody's.
func spoken(answer *googleapi.Error) bool { return answer.Message != "" || len(answer.Errors) > 0 }

// failed is err, classed, with what was being done to which object.
func failed(doing, full string, err error) error {
	if sentinel := class(err); sentinel != nil && !errors.Is(err, sentinel) {
		return fmt.Errorf("%s %s: %w: %w", doing, full, sentinel, oneLine(err))
	}
	return fmt.Errorf("%s %s: %w", doing, full, oneLine(err))
}

func answerOf(err error) *googleapi.Error {
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		return answer
	}
	return nil
}

func statusOf(err error) int {
	if answer := answerOf(err); answer != nil {
		return answer.Code
	}
	return 0
}

// longest is how much of a foreign error's text is kept, in bytes.
const longest = 400

// line is an error of the SDK in one line of bounded length; its own text may
// be a stranger's web page.
type line struct{ err error }

func oneLine(err error) error { return &line{err} }

func (l *line) Unwrap() error { return l.err }

func (l *line) Error() string {
	text := strings.Join(strings.Fields(l.err.Error()), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
