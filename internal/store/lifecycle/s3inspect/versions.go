package s3inspect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// maxVersions bounds what is held at a time: the versions of one key.
const maxVersions = 100_000

// Versions implements lifecycle.Inspector.
func (i *Inspector) Versions(ctx context.Context, prefix string) iter.Seq2[lifecycle.Version, error] {
	return func(yield func(lifecycle.Version, error) bool) {
		if err := i.eachKey(ctx, i.root+prefix, func(versions []listed) bool {
			for _, v := range conclude(versions) {
				if !yield(v, nil) {
					return false
				}
			}
			return true
		}); err != nil {
			yield(lifecycle.Version{}, fmt.Errorf("list the versions of %s: %w", i.root+prefix, err))
		}
	}
}

// listed is one entry of a listing.
type listed struct {
	version lifecycle.Version
	latest  bool
}

// eachKey gives the entries of one key after the other, until do wants no more.
// A page may end between two versions of a key.
func (i *Inspector) eachKey(ctx context.Context, prefix string, do func([]listed) bool) error {
	in := &s3.ListObjectVersionsInput{Bucket: &i.bucket, Prefix: &prefix}
	var pending []listed
	for {
		page, err := i.page(ctx, in)
		if err != nil {
			return err
		}
		pending = append(pending, entriesOf(page)...)
		// A page lists versions and markers apart, each by key.
		slices.SortStableFunc(pending, func(a, b listed) int { return strings.Compare(a.version.Key, b.version.Key) })
		for {
			n := firstKey(pending)
			last := n == len(pending)
			if n == 0 || last && aws.ToBool(page.IsTruncated) {
				break // the rest of the last key may come with the next page
			}
			if !do(pending[:n]) {
				return nil
			}
			pending = pending[n:]
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		if len(pending) > maxVersions {
			return fmt.Errorf("%s has more than %d versions", pending[0].version.Key, maxVersions)
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
}

// firstKey is how many entries are of the first key.
func firstKey(entries []listed) int {
	n := 0
	for n < len(entries) && entries[n].version.Key == entries[0].version.Key {
		n++
	}
	return n
}

func (i *Inspector) page(ctx context.Context, in *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
	page, err := i.client.ListObjectVersions(ctx, in)
	if denied(err) {
		return nil, &lifecycle.Denied{Permission: "s3:ListBucketVersions", Err: err}
	}
	if err != nil {
		return nil, err
	}
	if aws.ToString(page.Name) != i.bucket {
		return nil, errors.New("the answer is not one of an S3 server")
	}
	same := aws.ToString(page.NextKeyMarker) == aws.ToString(in.KeyMarker) &&
		aws.ToString(page.NextVersionIdMarker) == aws.ToString(in.VersionIdMarker)
	if aws.ToBool(page.IsTruncated) && (page.NextKeyMarker == nil || same) {
		return nil, errors.New("the server says that there is more, and not where")
	}
	return page, nil
}

func entriesOf(page *s3.ListObjectVersionsOutput) []listed {
	var entries []listed
	for _, v := range page.Versions {
		entries = append(entries, listed{latest: aws.ToBool(v.IsLatest), version: lifecycle.Version{
			ID: aws.ToString(v.VersionId),
			Object: lifecycle.Object{
				Key: aws.ToString(v.Key), Size: aws.ToInt64(v.Size), Modified: aws.ToTime(v.LastModified), Class: string(v.StorageClass),
			},
		}})
	}
	for _, m := range page.DeleteMarkers {
		entries = append(entries, listed{latest: aws.ToBool(m.IsLatest), version: lifecycle.Version{
			ID:     aws.ToString(m.VersionId),
			Object: lifecycle.Object{Key: aws.ToString(m.Key), Modified: aws.ToTime(m.LastModified), DeleteMarker: true},
		}})
	}
	return entries
}

// conclude puts the entries of one key into their order, the newest first, and
// says of each since when it is noncurrent and how many noncurrent ones are
// newer. S3 gives times in whole seconds: equal ones stay as they were listed.
func conclude(entries []listed) []lifecycle.Version {
	slices.SortStableFunc(entries, func(a, b listed) int {
		if a.latest != b.latest {
			if a.latest {
				return -1
			}
			return 1
		}
		return b.version.Modified.Compare(a.version.Modified)
	})
	versions := make([]lifecycle.Version, len(entries))
	newer := 0
	for n, e := range entries {
		v := e.version
		v.Others = lifecycle.Exactly(len(entries) - 1)
		if v.Noncurrent = !e.latest; v.Noncurrent {
			v.Newer = lifecycle.Exactly(newer)
			newer++
			if n > 0 {
				v.Superseded = entries[n-1].version.Modified
			}
		}
		versions[n] = v
	}
	return versions
}

// Tags implements lifecycle.Inspector.
func (i *Inspector) Tags(ctx context.Context, key string) (map[string]string, error) {
	full := i.root + key
	var raw []byte
	out, err := i.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &i.bucket, Key: &full}, capturing(&raw))
	if err == nil && lifecycle.RootElement(raw) != "Tagging" {
		err = errors.New("the answer is not a Tagging")
	}
	if denied(err) {
		err = &lifecycle.Denied{Permission: "s3:GetObjectTagging", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("read the tags of %s: %w", full, err)
	}
	tags := map[string]string{}
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}
