package s3

import "github.com/aws/aws-sdk-go-v2/service/s3"

// Bucket is what a question about the bucket itself needs: the client with the
// options of this store, the bucket's name, and what stands before every key of
// the store in it ("" or a path that ends in a slash).
func (s *Store) Bucket() (client *s3.Client, name, root string) {
	return s.client, s.place.bucket, s.place.root()
}
