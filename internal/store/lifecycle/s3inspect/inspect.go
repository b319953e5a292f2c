// Package s3inspect asks an S3 bucket about itself: its lifecycle rules,
// versioning, object lock and public access, and the versions and tags of its
// objects. It is lifecycle's Inspector for S3.
//
// It reads only. It must never take a denied or failed question, or a
// stranger's answer, for an absence: that is only what S3 says in so many words
// (NoSuchLifecycleConfiguration and the like).
package s3inspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	stores3 "github.com/seedproof/seedproof/internal/store/s3"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

var _ lifecycle.Inspector = (*Inspector)(nil)

// Inspector asks one bucket. It is safe for concurrent use.
type Inspector struct {
	client *s3.Client
	bucket string
	root   string // before the store's keys
}

// New takes the bucket that a store lies in. The store stays the caller's to
// close.
func New(s *stores3.Store) *Inspector {
	client, bucket, root := s.Bucket()
	return &Inspector{client: client, bucket: bucket, root: root}
}

// Key implements lifecycle.Inspector.
func (i *Inspector) Key(key string) string { return i.root + key }

// Inspect implements lifecycle.Inspector. Versioning is asked first: every
// bucket answers to it, while MinIO says of a bucket that is not there that it
// has no lock.
func (i *Inspector) Inspect(ctx context.Context) lifecycle.Inspection {
	versioning := i.versioning(ctx)
	if err := versioning.Err; codeOf(err) == "NoSuchBucket" {
		return lifecycle.Inspection{
			Lifecycle: lifecycle.Answer[lifecycle.Policy]{Err: err}, Versioning: versioning,
			ObjectLock: lifecycle.Answer[lifecycle.Lock]{Err: err}, PublicBlock: lifecycle.Answer[lifecycle.PublicBlock]{Err: err},
			PublicPolicy: lifecycle.Answer[bool]{Err: err},
		}
	}
	return lifecycle.Inspection{
		Lifecycle:    i.lifecycle(ctx),
		Versioning:   versioning,
		ObjectLock:   i.objectLock(ctx),
		PublicBlock:  i.publicBlock(ctx),
		PublicPolicy: i.publicPolicy(ctx),
	}
}

// question is how one is asked and what its answers are called.
type question struct {
	name       string // of the call
	root       string // of the XML that answers it
	absent     string // the code that says "there is none"; "" if there always is an answer
	permission string
}

// ask sends one question and gives the raw answer. A nil error means that S3
// answered it.
func ask[T any](q question, into *lifecycle.Answer[T], send func(capture func(*s3.Options)) error) ([]byte, bool) {
	var raw []byte
	err := send(capturing(&raw))
	if err == nil && lifecycle.RootElement(raw) != q.root {
		err = fmt.Errorf("the answer is not a %s", q.root)
	}
	if err == nil {
		into.State = lifecycle.Present
		return raw, true
	}
	code, status := codeOf(err), statusOf(err)
	switch {
	case q.absent != "" && code == q.absent && status == http.StatusNotFound:
		into.State = lifecycle.Absent
		return nil, false
	case denied(err):
		into.Permission = q.permission
	case code == "NotImplemented" || code == "MethodNotAllowed" || status == http.StatusNotImplemented:
		err = fmt.Errorf("%w: %w", lifecycle.ErrNotOffered, err)
	}
	into.Err = fmt.Errorf("ask the bucket (%s): %w", q.name, err)
	return nil, false
}

func (i *Inspector) lifecycle(ctx context.Context) (a lifecycle.Answer[lifecycle.Policy]) {
	q := question{"GetBucketLifecycleConfiguration", "LifecycleConfiguration", "NoSuchLifecycleConfiguration", "s3:GetLifecycleConfiguration"}
	raw, ok := ask(q, &a, func(capture func(*s3.Options)) error {
		_, err := i.client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &i.bucket}, capture)
		return err
	})
	if !ok {
		return a
	}
	policy, err := lifecycle.ParseS3(raw)
	if err != nil {
		return lifecycle.Answer[lifecycle.Policy]{Err: err}
	}
	a.Value = policy
	return a
}

func (i *Inspector) versioning(ctx context.Context) (a lifecycle.Answer[lifecycle.Versioning]) {
	var out *s3.GetBucketVersioningOutput
	q := question{"GetBucketVersioning", "VersioningConfiguration", "", "s3:GetBucketVersioning"}
	_, ok := ask(q, &a, func(capture func(*s3.Options)) (err error) {
		out, err = i.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &i.bucket}, capture)
		return err
	})
	if !ok {
		return a
	}
	switch out.Status {
	case "":
		a.Value = lifecycle.VersioningOff
	case "Enabled":
		a.Value = lifecycle.VersioningEnabled
	case "Suspended":
		a.Value = lifecycle.VersioningSuspended
	default:
		a.State, a.Err = lifecycle.Unknown, fmt.Errorf("ask the bucket (%s): status %.40q", q.name, out.Status)
	}
	return a
}

func (i *Inspector) objectLock(ctx context.Context) (a lifecycle.Answer[lifecycle.Lock]) {
	var out *s3.GetObjectLockConfigurationOutput
	q := question{"GetObjectLockConfiguration", "ObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "s3:GetBucketObjectLockConfiguration"}
	_, ok := ask(q, &a, func(capture func(*s3.Options)) (err error) {
		out, err = i.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &i.bucket}, capture)
		return err
	})
	if !ok || out.ObjectLockConfiguration == nil {
		return a
	}
	if rule := out.ObjectLockConfiguration.Rule; rule != nil && rule.DefaultRetention != nil {
		r := rule.DefaultRetention
		days := int64(aws.ToInt32(r.Days)) + 365*int64(aws.ToInt32(r.Years))
		a.Value = lifecycle.Lock{Mode: string(r.Mode), For: time.Duration(days) * 24 * time.Hour}
	}
	return a
}

func (i *Inspector) publicBlock(ctx context.Context) (a lifecycle.Answer[lifecycle.PublicBlock]) {
	var out *s3.GetPublicAccessBlockOutput
	q := question{"GetPublicAccessBlock", "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration", "s3:GetBucketPublicAccessBlock"}
	_, ok := ask(q, &a, func(capture func(*s3.Options)) (err error) {
		out, err = i.client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &i.bucket}, capture)
		return err
	})
	if !ok || out.PublicAccessBlockConfiguration == nil {
		return a
	}
	c := out.PublicAccessBlockConfiguration
	a.Value = lifecycle.PublicBlock{
		BlockACLs: aws.ToBool(c.BlockPublicAcls), IgnoreACLs: aws.ToBool(c.IgnorePublicAcls),
		BlockPolicy: aws.ToBool(c.BlockPublicPolicy), Restrict: aws.ToBool(c.RestrictPublicBuckets),
	}
	return a
}

func (i *Inspector) publicPolicy(ctx context.Context) (a lifecycle.Answer[bool]) {
	var out *s3.GetBucketPolicyStatusOutput
	q := question{"GetBucketPolicyStatus", "PolicyStatus", "NoSuchBucketPolicy", "s3:GetBucketPolicyStatus"}
	_, ok := ask(q, &a, func(capture func(*s3.Options)) (err error) {
		out, err = i.client.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: &i.bucket}, capture)
		return err
	})
	if ok && out.PolicyStatus != nil {
		a.Value = aws.ToBool(out.PolicyStatus.IsPublic)
	}
	return a
}

func denied(err error) bool {
	status := statusOf(err)
	return status == http.StatusForbidden || status == http.StatusUnauthorized
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
