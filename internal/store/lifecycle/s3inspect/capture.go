package s3inspect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// capturing keeps the body of a good answer as it came. The SDK reads an empty
// one as an empty configuration, and drops elements that it does not know.
func capturing(raw *[]byte) func(*s3.Options) {
	keep := middleware.DeserializeMiddlewareFunc("seedproof:capture", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok || response.StatusCode != http.StatusOK {
			return out, metadata, err
		}
		*raw, err = whole(response.Body)
		response.Body = io.NopCloser(bytes.NewReader(*raw))
		return out, metadata, err
	})
	return func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(keep, middleware.After) // next to the wire
		})
	}
}

func whole(body io.ReadCloser) ([]byte, error) {
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(body, lifecycle.MaxSize+1))
	if err == nil && len(raw) > lifecycle.MaxSize {
		err = fmt.Errorf("an answer of more than %d bytes", lifecycle.MaxSize)
	}
	return raw, err
}
