package s3inspect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
	stores3 "github.com/seedproof/seedproof/internal/store/s3"
	"github.com/seedproof/seedproof/internal/testenv"
)

func inspector(t *testing.T, url string) *Inspector {
	t.Helper()
	s, err := stores3.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return New(s)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// states are an inspection in one line.
func states(i lifecycle.Inspection) string {
	return fmt.Sprintf("lifecycle %s, versioning %s, lock %s, block %s, policy %s",
		i.Lifecycle.State, i.Versioning.State, i.ObjectLock.State, i.PublicBlock.State, i.PublicPolicy.State)
}

func TestABucketOfMinIO(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	client, ctx := server.Client(), t.Context()
	bucket := server.Bucket(t)
	i := inspector(t, server.URL(bucket, "c.example/backups"))

	got := i.Inspect(ctx)
	if want := "lifecycle absent, versioning present, lock absent, block unknown, policy present"; states(got) != want {
		t.Errorf("a new bucket: %s, want %s\n%+v", states(got), want, got)
	}
	if got.Versioning.Value != lifecycle.VersioningOff || got.PublicPolicy.Value || !errors.Is(got.PublicBlock.Err, lifecycle.ErrNotOffered) {
		t.Errorf("a new bucket: %+v", got)
	}
	if i.Key("x/y") != "c.example/backups/x/y" {
		t.Errorf("a key of the store is %s", i.Key("x/y"))
	}

	for status, want := range map[types.BucketVersioningStatus]lifecycle.Versioning{
		types.BucketVersioningStatusEnabled: lifecycle.VersioningEnabled, types.BucketVersioningStatusSuspended: lifecycle.VersioningSuspended,
	} {
		setVersioning(t, client, bucket, status)
		if v := i.Inspect(ctx).Versioning; v.State != lifecycle.Present || v.Value != want {
			t.Errorf("%s: %+v", status, v)
		}
	}
	setRules(t, client, bucket, types.LifecycleRule{
		ID: aws.String("old"), Status: types.ExpirationStatusEnabled,
		Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
			Prefix: aws.String("c.example/"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		}},
		Expiration:                  &types.LifecycleExpiration{Days: aws.Int32(30)},
		NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(7)},
	})
	got = i.Inspect(ctx)
	if p := got.Lifecycle.Value; got.Lifecycle.State != lifecycle.Present || len(p.Rules) != 2 || len(p.Unreadable) != 0 || p.Rules[0].Filter.Tags["a"] != "b" {
		t.Errorf("the rules came back as %+v", got.Lifecycle)
	}
	public := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:ListBucket","s3:PutObject"],"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}]}`, bucket)
	_, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &public})
	must(t, err)
	if p := i.Inspect(ctx).PublicPolicy; p.State != lifecycle.Present || !p.Value {
		t.Errorf("a bucket with a public policy: %+v", p)
	}
}

func setVersioning(t *testing.T, client *s3.Client, bucket string, status types.BucketVersioningStatus) {
	t.Helper()
	_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	must(t, err)
}

func setRules(t *testing.T, client *s3.Client, bucket string, rules ...types.LifecycleRule) {
	t.Helper()
	_, err := client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
	})
	must(t, err)
}

func TestALockedBucket(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	client, bucket := server.Client(), "locked-bucket"
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
	i := inspector(t, server.URL(bucket, ""))
	if got := i.Inspect(t.Context()); got.ObjectLock.State != lifecycle.Present || got.ObjectLock.Value.For != 0 || got.Versioning.Value != lifecycle.VersioningEnabled {
		t.Errorf("without a default: %+v", got)
	}
	_, err = client.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
		Bucket: &bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(3)}},
		},
	})
	must(t, err)
	want := lifecycle.Lock{Mode: "GOVERNANCE", For: 72 * time.Hour}
	if got := i.Inspect(t.Context()).ObjectLock; got.Value != want {
		t.Errorf("with a default: %+v", got)
	}
}

// TestAServerWithoutLifecycleRules: that it has none is for a person to judge.
func TestAServerWithoutLifecycleRules(t *testing.T) {
	server := testenv.S3(t)
	server.Setenv(t)
	got := inspector(t, server.URL(server.Bucket(t), "")).Inspect(t.Context())
	if got.Lifecycle.State != lifecycle.Unknown || !errors.Is(got.Lifecycle.Err, lifecycle.ErrNotOffered) || got.Lifecycle.Permission != "" {
		t.Errorf("%+v", got.Lifecycle)
	}
}

// permissions are those that the documentation's policy has to hold.
var permissions = "s3:GetLifecycleConfiguration s3:GetBucketVersioning s3:GetBucketObjectLockConfiguration s3:GetBucketPublicAccessBlock s3:GetBucketPolicyStatus"

func allOf(i lifecycle.Inspection) (known []lifecycle.State, needs []string, errs []error) {
	add := func(s lifecycle.State, permission string, err error) {
		known, needs, errs = append(known, s), append(needs, permission), append(errs, err)
	}
	add(i.Lifecycle.State, i.Lifecycle.Permission, i.Lifecycle.Err)
	add(i.Versioning.State, i.Versioning.Permission, i.Versioning.Err)
	add(i.ObjectLock.State, i.ObjectLock.Permission, i.ObjectLock.Err)
	add(i.PublicBlock.State, i.PublicBlock.Permission, i.PublicBlock.Err)
	add(i.PublicPolicy.State, i.PublicPolicy.Permission, i.PublicPolicy.Err)
	return known, needs, errs
}

// TestNothingIsTakenForAnAbsence: whatever else comes than S3's own word.
func TestNothingIsTakenForAnAbsence(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	i := inspector(t, proxy.S3URL(server.Bucket(t), ""))
	for name, mode := range map[string]testenv.Mode{
		"denied": testenv.Status(403), "a 404 that says not what": testenv.Status(404), "500": testenv.Status(500),
		"nothing in a good answer": testenv.Status(200), "a redirect": testenv.Status(301),
		"refused": testenv.Refuse(), "lost": testenv.LoseReply(),
	} {
		proxy.Set(mode)
		known, needs, errs := allOf(i.Inspect(t.Context()))
		for n, state := range known {
			if state != lifecycle.Unknown || errs[n] == nil || (needs[n] != "") != (name == "denied") {
				t.Errorf("%s: question %d: %s, needs %q, %v", name, n, state, needs[n], errs[n])
			}
		}
		if name == "denied" && strings.Join(needs, " ") != permissions {
			t.Errorf("named %s", needs)
		}
		listing := 0
		for _, err := range i.Versions(t.Context(), "") {
			listing++
			if err == nil {
				t.Errorf("%s: a version was listed", name)
			}
			if denied := (*lifecycle.Denied)(nil); errors.As(err, &denied) != (name == "denied") || denied != nil && denied.Permission != "s3:ListBucketVersions" {
				t.Errorf("%s: listing versions: %v", name, err)
			}
		}
		if listing != 1 {
			t.Errorf("%s: listing versions ended in silence", name)
		}
		_, err := i.Tags(t.Context(), "x")
		if denied := (*lifecycle.Denied)(nil); err == nil || errors.As(err, &denied) != (name == "denied") || denied != nil && denied.Permission != "s3:GetObjectTagging" {
			t.Errorf("%s: tags: %v", name, err)
		}
	}
	missing := inspector(t, server.URL("no-such-bucket", "")).Inspect(t.Context())
	if said := states(missing); strings.Contains(said, "absent") || strings.Contains(said, "present") {
		t.Errorf("a bucket that is not there: %s", said)
	}
}
