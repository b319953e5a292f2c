package s3inspect

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/testenv"
)

// rulesThatDelete act at once where they act at all: their date has come.
func rulesThatDelete() []types.LifecycleRule {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	rule := func(id string, filter *types.LifecycleRuleFilter, e *types.LifecycleExpiration) types.LifecycleRule {
		return types.LifecycleRule{ID: &id, Status: types.ExpirationStatusEnabled, Filter: filter, Expiration: e}
	}
	due, later := &types.LifecycleExpiration{Date: &today}, &types.LifecycleExpiration{Days: aws.Int32(3)}
	off := rule("off", &types.LifecycleRuleFilter{Prefix: aws.String("off/")}, due)
	off.Status = types.ExpirationStatusDisabled
	return []types.LifecycleRule{
		rule("by prefix", &types.LifecycleRuleFilter{Prefix: aws.String("c.example/backups/")}, due),
		rule("by tag", &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
			Prefix: aws.String("tagged/"), Tags: []types.Tag{{Key: aws.String("tmp"), Value: aws.String("yes")}},
		}}, due),
		rule("by size", &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
			Prefix: aws.String("sized/"), ObjectSizeGreaterThan: aws.Int64(4), ObjectSizeLessThan: aws.Int64(10),
		}}, due),
		rule("later", &types.LifecycleRuleFilter{Prefix: aws.String("later/")}, later),
		off,
	}
}

// TestWhatMinIODeletes holds the prediction for each object to what becomes of
// it on a real server, on a bucket that keeps versions and on one that does not.
func TestWhatMinIODeletes(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	client := server.Client()
	for _, versioning := range []lifecycle.Versioning{lifecycle.VersioningOff, lifecycle.VersioningEnabled} {
		t.Run(versioning.String(), func(t *testing.T) {
			bucket := server.Bucket(t)
			if versioning == lifecycle.VersioningEnabled {
				setVersioning(t, client, bucket, types.BucketVersioningStatusEnabled)
			}
			put(t, client, bucket, "c.example/backups/etcd/main/control/etcd-cluster-created", "{}")
			put(t, client, bucket, "c.example/backups/etcd/main/2026-11-20T00:00:00Z-000001/_etcd_backup.meta", "{}")
			put(t, client, bucket, "c.example/config", "kind: Cluster")
			put(t, client, bucket, "tagged/yes", "x", "tmp=yes")
			put(t, client, bucket, "tagged/no", "x", "tmp=no")
			put(t, client, bucket, "tagged/untagged", "x")
			put(t, client, bucket, "sized/4", "1234")
			put(t, client, bucket, "sized/5", "12345")
			put(t, client, bucket, "sized/10", "1234567890")
			put(t, client, bucket, "later/x", "x")
			put(t, client, bucket, "off/x", "x")
			i := inspector(t, server.URL(bucket, ""))
			objects := tagged(t, i) // before the first of them goes
			setRules(t, client, bucket, rulesThatDelete()...)
			fates := predict(t, i, objects)
			if len(fates) != 11 {
				t.Fatalf("%d objects", len(fates))
			}
			compare(t, client, bucket, fates)
			if versioning == lifecycle.VersioningEnabled {
				stillThere(t, i, fates)
			}
		})
	}
}

// tagged are all objects of the bucket, with their tags.
func tagged(t *testing.T, i *Inspector) (objects []lifecycle.Object) {
	t.Helper()
	for v, err := range i.Versions(t.Context(), "") {
		must(t, err)
		v.Tags, err = i.Tags(t.Context(), v.Key)
		must(t, err)
		v.TagsKnown = true
		objects = append(objects, v.Object)
	}
	return objects
}

// predict judges the objects by what the bucket says of itself.
func predict(t *testing.T, i *Inspector, objects []lifecycle.Object) map[string]lifecycle.Fate {
	t.Helper()
	seen := i.Inspect(t.Context())
	fates := map[string]lifecycle.Fate{}
	for _, o := range objects {
		fates[o.Key] = seen.Fate(o)
		o.Tags, o.TagsKnown = nil, false
		if blind := seen.Fate(o); blind.Certain && blind.Deletes != fates[o.Key].Deletes {
			t.Errorf("%s: without its tags %+v, with them %+v", o.Key, blind, fates[o.Key])
		}
	}
	return fates
}

func missing(err error) bool {
	var noKey *types.NoSuchKey
	var notFound *types.NotFound
	return errors.As(err, &noKey) || errors.As(err, &notFound) || codeOf(err) == "NoSuchKey"
}

// compare waits until everything that is due has gone, and then looks for the
// rest.
func compare(t *testing.T, client *s3.Client, bucket string, fates map[string]lifecycle.Fate) {
	t.Helper()
	there := func(key string) bool {
		_, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		if err != nil && !missing(err) {
			t.Fatal(err)
		}
		return err == nil
	}
	gone := 0
	for key, fate := range fates {
		if fate.Deletes && fate.When.Before(time.Now()) {
			gone++
			eventually(t, key+" is gone, as predicted", func() bool { return !there(key) })
		}
	}
	for key, fate := range fates {
		due := fate.Deletes && fate.When.Before(time.Now())
		if !due && !there(key) {
			t.Errorf("%s is gone; predicted was %+v", key, fate)
		}
	}
	if gone != 4 {
		t.Errorf("%d were predicted to go, want 4: %+v", gone, fates)
	}
	if f := fates["later/x"]; !f.Deletes || !f.Certain || f.When.Before(time.Now().Add(72*time.Hour)) || f.When.After(time.Now().Add(96*time.Hour)) {
		t.Errorf("in three days: %+v", f)
	}
	t.Logf("NOTE: %d of %d objects were predicted to be deleted at once, and were; the others stayed", gone, len(fates))
}

// stillThere: what was predicted to be hidden can be put back.
func stillThere(t *testing.T, i *Inspector, fates map[string]lifecycle.Fate) {
	t.Helper()
	data := map[string]bool{}
	for v, err := range i.Versions(t.Context(), "") {
		must(t, err)
		data[v.Key] = data[v.Key] || !v.DeleteMarker
	}
	for key, fate := range fates {
		if fate.Deletes && !fate.Hidden || !data[key] {
			t.Errorf("%s: versions left: %v; predicted was %+v", key, data[key], fate)
		}
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
