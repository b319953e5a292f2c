package kops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/kops/story"
	stores3 "github.com/seedproof/seedproof/internal/store/s3"
	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	healthy = "healthy.example.com"
	wiped   = "wiped.example.com"  // both control files of main were deleted; their versions are there
	loses   = "loses.example.com"  // the marker of main was deleted
	unborn  = "unborn.example.com" // never applied
	control = "/backups/etcd/main/control/"
)

func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// guarded is a real S3 server with a state store in which every permission is
// needed, behind a keeper.
type guarded struct {
	*keeper
	state string // URL
	env   []string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	server := testenv.MinIO(t)
	server.Setenv(t)
	const bucket = "guarded-state"
	client := server.Client()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket), ObjectLockEnabledForBucket: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	writeState(t, server.URL(bucket, ""))
	setRules(t, client, bucket)
	k := &keeper{bucket: bucket, behind: forward(t, server.Endpoint)}
	listener := httptest.NewServer(k)
	t.Cleanup(listener.Close)
	return &guarded{keeper: k, state: "s3://" + bucket + "?region=us-east-1&endpoint=" + listener.URL,
		env: append(os.Environ(), server.Env()...)}
}

// writeState writes the clusters, each with a real snapshot for a backup.
func writeState(t *testing.T, url string) {
	t.Helper()
	s, err := stores3.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var keys []string
	for i := range 60 {
		keys = append(keys, fmt.Sprintf("/registry/pods/%d", i))
	}
	snapshot, err := story.Snapshot(t.Context(), keys, "x")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, name := range []string{healthy, wiped, loses} {
		c := kopstest.Healthy(name, 1, now)
		c.Backups = 0
		c.Write(t, s)
		for _, etcd := range c.EtcdNames() {
			folder := c.WriteBackup(t, s, name+"/backups/etcd/"+etcd, now.Add(-5*time.Minute), 1)
			kopstest.Put(t, s, folder+"/etcd.backup.gz", string(snapshot))
		}
	}
	kopstest.New(unborn, 1).Write(t, s)
	kopstest.Delete(t, s, wiped+control+"etcd-cluster-created")
	kopstest.Delete(t, s, wiped+control+"etcd-cluster-spec")
	kopstest.Delete(t, s, loses+control+"etcd-cluster-created")
}

// setRules has a rule go by a tag, which the control files of one cluster bear.
func setRules(t *testing.T, client *s3.Client, bucket string) {
	t.Helper()
	tag := types.Tag{Key: aws.String("tidy"), Value: aws.String("yes")}
	for _, file := range []string{"etcd-cluster-created", "etcd-cluster-spec"} {
		if _, err := client.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: &bucket, Key: aws.String(healthy + control + file),
			Tagging: &types.Tagging{TagSet: []types.Tag{tag}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: aws.String("tidy"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Tag: &tag},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(30)},
		}}}}); err != nil {
		t.Fatal(err)
	}
}

// told is what the program said under one policy.
type told struct {
	exit   int
	text   string // all of it
	report struct {
		Clusters []struct {
			Cluster, Etcd, Action string
			ExitCode              int
			LastValidBackup       *struct{ State string }
			Threats               []struct{ Kind, Sentence string }
			Advice                []struct{ Do, Command string }
		}
	}
}

// check runs the program under a policy.
func (g *guarded) check(t *testing.T, p policy, args ...string) told {
	t.Helper()
	g.under(p)
	cmd := exec.CommandContext(t.Context(), testenv.Seedproof(t), append([]string{"kops", "check", "-o", "json", "--state", g.state}, args...)...)
	cmd.Env = g.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	said := told{exit: cmd.ProcessState.ExitCode(), text: out.String() + errs.String()}
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &said.report); err != nil {
			t.Fatalf("%v: %s", err, said.text)
		}
	}
	if odd := g.odd; len(odd) > 0 {
		t.Errorf("requests that the table has no action for: %v", odd)
	}
	return said
}

// actions are what is said of each etcd cluster, by its name.
func (s told) actions() map[string]string {
	all := map[string]string{}
	for _, r := range s.report.Clusters {
		all[r.Cluster+" "+r.Etcd] = r.Action
	}
	return all
}

// names reports whether a permission is named, and not only one that begins so.
func (s told) names(action string) bool {
	return regexp.MustCompile(regexp.QuoteMeta(action) + `\b`).MatchString(s.text)
}

// truth is what an update would do to the clusters.
var truth = map[string]string{
	healthy + " main": "none", healthy + " events": "none",
	wiped + " main": "seed-over-existing", wiped + " events": "none",
	loses + " main": "seed-imminent", loses + " events": "none",
	unborn + " main": "seed-new", unborn + " events": "seed-new",
}

// neverFalselySafe: whatever may not be read, nothing is said to be better than
// it is.
func neverFalselySafe(t *testing.T, missing string, s told) {
	t.Helper()
	if s.exit != 3 && s.exit != 4 {
		t.Errorf("without %s: exit code %d", missing, s.exit)
	}
	for etcd, action := range s.actions() {
		// Who may not read the spec cannot see that it is there: the danger is
		// the same, and how soon it comes is not seen.
		soon := truth[etcd] == "seed-imminent" && action == "seed-over-existing"
		if action != truth[etcd] && action != "unproven" && !soon {
			t.Errorf("without %s: %s of %s, and the truth is %s", missing, action, etcd, truth[etcd])
		}
	}
}

// TestThePolicyOfTheDocsSuffices: with it, everything is seen, and nothing in
// it is for nothing.
func TestThePolicyOfTheDocsSuffices(t *testing.T) {
	g := newGuarded(t)
	for name, args := range map[string][]string{"kops-check.s3.json": {"--verify"}, "kops-check.narrow.s3.json": nil} {
		p := policyOf(t, name)
		s := g.check(t, p, args...)
		if len(s.actions()) != len(truth) || s.exit != 3 {
			t.Fatalf("%s: exit code %d: %s", name, s.exit, s.text)
		}
		for etcd, want := range truth {
			if have := s.actions()[etcd]; have != want {
				t.Errorf("%s: %s of %s, want %s", name, have, etcd, want)
			}
		}
		if refused := g.refused(); len(refused) > 0 {
			t.Errorf("%s denies %v", name, refused)
		}
		for _, want := range []string{`"lifecycle-deletes-control-file"`, `"object-lock"`, "DELETES A CONTROL FILE", "versionId="} {
			if !strings.Contains(s.text, want) {
				t.Errorf("%s: nothing is said of %s", name, want)
			}
		}
		for _, not := range []string{"bucket-settings-not-read", "access denied", "no-versioning"} {
			if strings.Contains(s.text, not) {
				t.Errorf("%s: it is said: %s", name, not)
			}
		}
		if n := strings.Count(s.text, `"holds"`); n > 0 != (args != nil) {
			t.Errorf("%s %v: %d backups hold", name, args, n)
		}
		needless(t, g, name, p)
		t.Logf("NOTE: with %s alone %d kinds of requests were made, and none was denied", name, len(g.asked))
	}
}

// needless finds what a policy allows and nobody used.
func needless(t *testing.T, g *guarded, name string, p policy) {
	t.Helper()
	for _, s := range p.Statement {
		for _, action := range s.Action {
			if !slices.ContainsFunc(s.Resource, func(r string) bool { return g.uses(action, r) }) {
				t.Errorf("%s allows %s, and nobody asked for it", name, action)
			}
		}
		for _, resource := range s.Resource {
			if !slices.ContainsFunc(s.Action, func(a string) bool { return g.uses(a, resource) }) {
				t.Errorf("%s allows something on %s, and nobody asked for it", name, resource)
			}
		}
	}
}

// TestOnePermissionLess: each action taken away once is named, and nothing is
// said to be safe that is not.
func TestOnePermissionLess(t *testing.T) {
	g := newGuarded(t)
	p := policyOf(t, "kops-check.s3.json")
	for _, action := range p.actions() {
		s := g.check(t, p.without(action), "--verify")
		neverFalselySafe(t, action, s)
		if !slices.ContainsFunc(g.refused(), func(held string) bool { return strings.HasPrefix(held, action+" ") }) {
			t.Errorf("without %s nothing was denied", action)
		}
		if !s.names(action) {
			t.Errorf("without %s nobody is told", action)
		}
		if action == "s3:GetObject" && strings.Contains(s.text, `"holds"`) {
			t.Error("a backup that may not be read is said to hold")
		}
	}
	if !t.Failed() {
		t.Logf("NOTE: each of %d actions, taken away, was named", len(p.actions()))
	}
}

// TestOneResourceLess: so is the action that is missing on one kind of file.
func TestOneResourceLess(t *testing.T) {
	g := newGuarded(t)
	p := policyOf(t, "kops-check.narrow.s3.json")
	files := 0
	for _, s := range p.Statement {
		for _, resource := range s.Resource {
			if !strings.Contains(resource, "/") {
				continue
			}
			files++
			said := g.check(t, p.without(resource))
			neverFalselySafe(t, resource, said)
			if !said.names("s3:GetObject") {
				t.Errorf("without %s nobody is told", resource)
			}
		}
	}
	if said := g.check(t, p, "--verify"); !said.names("s3:GetObject") || strings.Contains(said.text, `"holds"`) {
		t.Errorf("backups that may not be opened: %s", said.text)
	}
	if !t.Failed() {
		t.Logf("NOTE: each of %d kinds of files, taken away, was noticed", files)
	}
}
