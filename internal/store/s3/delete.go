package s3

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/store"
)

// Delete implements store.Store. It looks first, because S3 answers a delete
// of what is not there with success and some servers ignore the condition;
// where the condition is enforced it closes the gap behind the look.
func (s *Store) Delete(ctx context.Context, key string, v store.Version) error {
	full, err := s.object(key)
	if err != nil {
		return err
	}
	if v == "" {
		return fmt.Errorf("delete %s: no version named", full)
	}
	info, err := s.Stat(ctx, key)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if info.Version != v {
		return fmt.Errorf("delete %s: it is version %s, not %s: %w", full, info.Version, v, store.ErrConditionFailed)
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.place.bucket, Key: &full, IfMatch: matching(v)}, once)
	if err != nil {
		return failed("delete", full, err)
	}
	return nil
}
