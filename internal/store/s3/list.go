package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/store"
)

// pageSize is the most keys that S3 gives in one answer.
const pageSize = 1000

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		full := s.place.root() + prefix
		start := ""
		if after != "" {
			start = s.place.root() + after
		}
		var token *string
		for {
			page, err := s.page(ctx, full, start, token, pageSize)
			if err != nil {
				yield(store.Info{}, fmt.Errorf("list %s: %w", full, err))
				return
			}
			if !s.each(page.Contents, full, yield) {
				return
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			token = page.NextContinuationToken
		}
	}
}

// page asks for one answer of a listing. An answer that does not name the
// bucket, or does not say whether it is whole, is not S3's: the SDK reads an
// empty body as an empty listing.
func (s *Store) page(ctx context.Context, prefix, after string, token *string, size int32) (*s3.ListObjectsV2Output, error) {
	in := &s3.ListObjectsV2Input{
		Bucket: &s.place.bucket, Prefix: &prefix, ContinuationToken: token, MaxKeys: aws.Int32(size),
	}
	if after != "" {
		in.StartAfter = &after
	}
	out, err := s.client.ListObjectsV2(ctx, in)
	if err != nil {
		if sentinel := class(err); sentinel != nil {
			return nil, fmt.Errorf("%w: %w", sentinel, err)
		}
		return nil, err
	}
	if aws.ToString(out.Name) != s.place.bucket || out.IsTruncated == nil {
		return nil, errStranger
	}
	next := aws.ToString(out.NextContinuationToken)
	if aws.ToBool(out.IsTruncated) && (next == "" || next == aws.ToString(token)) {
		return nil, errors.New("the server says that there is more, and not where")
	}
	return out, nil
}

// each yields the objects of a page and reports whether to go on.
func (s *Store) each(objects []types.Object, full string, yield func(store.Info, error) bool) bool {
	for _, o := range objects {
		key := aws.ToString(o.Key)
		if !strings.HasPrefix(key, full) || o.ETag == nil || o.Size == nil {
			yield(store.Info{}, fmt.Errorf("list %s: entry %q: %w", full, key, errStranger))
			return false
		}
		if strings.HasSuffix(key, "/") && *o.Size == 0 {
			continue // what consoles make for a folder; no key of a store looks so
		}
		info := store.Info{
			Key:      strings.TrimPrefix(key, s.place.root()),
			Size:     *o.Size,
			Version:  versionOf(o.ETag),
			Modified: aws.ToTime(o.LastModified),
		}
		if !yield(info, nil) {
			return false
		}
	}
	return true
}
