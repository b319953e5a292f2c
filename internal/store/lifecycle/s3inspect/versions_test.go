package s3inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/testenv"
)

func put(t *testing.T, client *s3.Client, bucket, key, content string, tags ...string) string {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)}
	if len(tags) > 0 {
		in.Tagging = aws.String(strings.Join(tags, "&"))
	}
	out, err := client.PutObject(t.Context(), in)
	must(t, err)
	return aws.ToString(out.VersionId)
}

// TestVersions lists more versions than one page holds, and finds the deleted
// marker of a cluster so that it can be put back.
func TestVersions(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	client, bucket := server.Client(), server.Bucket(t)
	setVersioning(t, client, bucket, types.BucketVersioningStatusEnabled)
	want := map[string][]string{} // key: ids, the newest first
	for n := range 1100 {
		key := fmt.Sprintf("p/many/%d", n%27)
		want[key] = append([]string{put(t, client, bucket, key, fmt.Sprint(n))}, want[key]...)
	}
	first := put(t, client, bucket, "p/control/created", "1")
	deleted, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("p/control/created")})
	must(t, err)
	want["p/control/created"] = []string{aws.ToString(deleted.VersionId), first}
	put(t, client, bucket, "other/x", "not asked for")

	got := map[string][]lifecycle.Version{}
	for v, err := range inspector(t, server.URL(bucket, "p")).Versions(t.Context(), "") {
		must(t, err)
		got[v.Key] = append(got[v.Key], v)
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
	for key, ids := range want {
		sameVersions(t, key, got[key], ids)
	}
	gone := got["p/control/created"]
	if !gone[0].DeleteMarker || gone[1].DeleteMarker || gone[1].Size != 1 || gone[1].Superseded != gone[0].Modified {
		t.Errorf("a deleted object: %+v", gone)
	}
}

func sameVersions(t *testing.T, key string, got []lifecycle.Version, ids []string) {
	t.Helper()
	if len(got) != len(ids) {
		t.Errorf("%s: %d versions, want %d", key, len(got), len(ids))
		return
	}
	for n, v := range got {
		if v.ID != ids[n] || v.Noncurrent != (n > 0) || v.Others != lifecycle.Exactly(len(ids)-1) {
			t.Errorf("%s, version %d: %+v, want id %s", key, n, v, ids[n])
		}
		if n > 0 && (v.Newer != lifecycle.Exactly(n-1) || v.Superseded != got[n-1].Modified) {
			t.Errorf("%s, version %d: %+v", key, n, v)
		}
	}
}

func TestTags(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	client, bucket := server.Client(), server.Bucket(t)
	put(t, client, bucket, "p/tagged", "x", "a=b", "c=d")
	put(t, client, bucket, "p/plain", "x")
	i := inspector(t, server.URL(bucket, "p"))
	for key, want := range map[string]string{"tagged": "map[a:b c:d]", "plain": "map[]"} {
		if tags, err := i.Tags(t.Context(), key); err != nil || fmt.Sprint(tags) != want {
			t.Errorf("%s: %v, %v", key, tags, err)
		}
	}
	if tags, err := i.Tags(t.Context(), "missing"); err == nil {
		t.Errorf("an object that is not there has tags %v", tags)
	}
}
