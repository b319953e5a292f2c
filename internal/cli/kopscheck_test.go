package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/testenv"
)

// stateStore writes clusters into a state store on files and gives its URL.
func stateStore(t *testing.T, clusters ...kopstest.Cluster) string {
	t.Helper()
	url := "file://" + filepath.Join(t.TempDir(), "state")
	s, err := open.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, c := range clusters {
		c.Write(t, s)
	}
	return url
}

func lose(t *testing.T, url string, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := os.Remove(filepath.Join(strings.TrimPrefix(url, "file://"), key)); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	prodMarker = "prod.example.com/backups/etcd/main/control/etcd-cluster-created"
	prodSpec   = "prod.example.com/backups/etcd/main/control/etcd-cluster-spec"
)

func healthyProd() kopstest.Cluster {
	return kopstest.Healthy("prod.example.com", 3, time.Now().UTC().Truncate(time.Second))
}

func TestKopsCheck(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		lose         []string
		also         []kopstest.Cluster
		args         []string
		code         int
	}{
		{"healthy", "one cluster, all well", nil, nil, nil, exitOK},
		{"fleet", "the one in danger stands first", []string{prodMarker, prodSpec}, []kopstest.Cluster{kopstest.New("new.k8s.local", 1), kopstest.Healthy("test.example.com", 1, time.Now())}, nil, exitRefused},
		{"imminent", "by name", []string{prodMarker}, []kopstest.Cluster{kopstest.New("new.k8s.local", 1)}, []string{"--name", "prod.example.com"}, exitRefused},
		{"unproven", "a config that cannot be used", nil, nil, []string{"--name", "prod.example.com"}, exitUnproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := stateStore(t, append([]kopstest.Cluster{healthyProd()}, c.also...)...)
			lose(t, url, c.lose...)
			if c.code == exitUnproven {
				dir := strings.TrimPrefix(url, "file://")
				if err := os.WriteFile(filepath.Join(dir, "prod.example.com/config"), []byte("kind: Pod\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o := typeIn(t, append([]string{"kops", "check", "--state", url}, c.args...)...)
			o.says(t, c.code)
			golden(t, "kops/"+c.name+".txt", settled(o, url))
		})
	}
}

// settled takes out of an output what differs from run to run.
func settled(o outcome, url string) string {
	text := o.out + o.errOut
	text = strings.ReplaceAll(text, strings.TrimPrefix(url, "file://"), "/state")
	text = regexp.MustCompile(`looked at on .*\.`).ReplaceAllString(text, "looked at on DAY.")
	return regexp.MustCompile(`"timestamp":\d+`).ReplaceAllString(text, `"timestamp":NOW`)
}

// TestKopsCheckWrongCommandLines: what cannot be is said before anything is
// asked, with what to type.
func TestKopsCheckWrongCommandLines(t *testing.T) {
	t.Setenv(stateVariable, "")
	url := stateStore(t, healthyProd())
	deep := url + "/prod.example.com"
	for _, c := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{}, exitUsage, []string{"no state store is named", "--state s3://BUCKET"}},
		{[]string{"--state", "bucket"}, exitUsage, []string{"no URL scheme"}},
		{[]string{"--state", "swift://bucket"}, exitUsage, []string{"unknown URL scheme"}},
		{[]string{"--state", url, "-o", "xml"}, exitUsage, []string{"expected table, json or yaml"}},
		{[]string{"--state", url, "--max-backup-age", "0s"}, exitUsage, []string{"above zero"}},
		{[]string{"--state", url, "--etcd-endpoints", "https://127.0.0.1:1"}, exitUsage, []string{"name it with --name"}},
		{[]string{"--state", url, "--name", "prod.example.com", "--etcd-endpoints", "127.0.0.1:1"}, exitUsage, []string{"expected [ETCD=]http"}},
		{[]string{"--state", url, "--name", "prod.example.com", "--etcd-endpoints", "evnts=http://127.0.0.1:1"}, exitUsage, []string{"no etcd cluster \"evnts\"; it has main, events"}},
		{[]string{"--state", url, "--name", "prod.example.com", "--etcd-cert", "x"}, exitUsage, []string{"needs its key"}},
		{[]string{"--state", url + "-not"}, exitError, []string{"is empty", "Next:  echo $KOPS_STATE_STORE"}},
		{[]string{"--state", deep}, exitError, []string{"is the folder of one cluster", "Next:  seedproof kops check --state " + url + " --name prod.example.com"}},
		{[]string{"--state", url, "--name", "prod.exmple.com"}, exitError, []string{"mistyped, or it was deleted", "Next:  seedproof kops check --state " + url + " --name prod.example.com"}},
	} {
		typeIn(t, append([]string{"kops", "check"}, c.args...)...).says(t, c.code, c.says...)
	}
	t.Setenv(stateVariable, url)
	typeIn(t, "kops", "check").says(t, exitOK, "change nothing")
}

// TestKopsCheckLifecycle: a rule of a real bucket, meant for old backups, is
// told with its day, and what it deleted can be put back.
func TestKopsCheckLifecycle(t *testing.T) {
	server := testenv.MinIO(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	url := server.URL(bucket, "")
	s, err := open.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	healthyProd().Write(t, s)
	client := server.Client()
	if _, err := client.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	// What was there before versioning has no version that a deletion leaves.
	healthyProd().WriteEtcd(t, s, "prod.example.com/backups/etcd/main")
	if _, err := client.PutBucketLifecycleConfiguration(t.Context(), &awss3.PutBucketLifecycleConfigurationInput{Bucket: &bucket,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: aws.String("old backups"), Status: types.ExpirationStatusEnabled,
			Filter:     &types.LifecycleRuleFilter{Prefix: aws.String("prod.example.com/backups/")},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(12)},
		}}}}); err != nil {
		t.Fatal(err)
	}
	check := []string{"kops", "check", "--state", url, "--name", "prod.example.com"}
	o := typeIn(t, check...)
	o.says(t, exitOK, `LIFECYCLE RULE "old backups" DELETES A CONTROL FILE, `+prodMarker+", in 12 days", prodSpec,
		"manager.backupRetentionDays", "cannot be moved", `Lifecycle rule "old backups" deletes backup`)
	if strings.Contains(o.out, "keeps no old versions") {
		t.Errorf("versioning is on:\n%s", o.out)
	}
	kopstest.Delete(t, s, prodMarker)
	kopstest.Delete(t, s, prodSpec)
	o = typeIn(t, check...)
	o.says(t, exitRefused, "STOP", "or put the deleted version back:", "aws s3api copy-object --bucket "+bucket+" --key "+prodMarker)
	putBack(t, client, bucket, o.out)
	typeIn(t, check...).says(t, exitOK, "changes nothing in etcd main")
}

// putBack does what the commands of the report say.
func putBack(t *testing.T, client *awss3.Client, bucket, out string) {
	t.Helper()
	found := regexp.MustCompile(`aws s3api copy-object --bucket (\S+) --key (\S+) --copy-source '([^']+)'`).FindAllStringSubmatch(out, -1)
	if len(found) != 2 || found[0][1] != bucket || found[0][2] != prodMarker || found[1][2] != prodSpec {
		t.Fatalf("the commands are %v", found)
	}
	for _, command := range found {
		if _, err := client.CopyObject(t.Context(), &awss3.CopyObjectInput{Bucket: &command[1], Key: &command[2], CopySource: &command[3]}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKopsCheckSilentStores: a store that may not be read, or does not answer,
// is no empty one.
func TestKopsCheckSilentStores(t *testing.T) {
	server := testenv.S3(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	s, err := open.Open(t.Context(), server.URL(bucket, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	kopstest.New("prod.example.com", 1).Write(t, s)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	for _, c := range []struct {
		reason string
		mode   testenv.Mode
		says   string
	}{
		{"denied", testenv.Status(http.StatusForbidden), "s3:ListBucket"},
		{"out of order", testenv.Status(http.StatusServiceUnavailable), ""},
		{"somebody else's page", testenv.Status(http.StatusNotFound), ""},
		{"no answer", testenv.BlackHole(), "no answer in time"},
		{"nobody there", testenv.Refuse(), ""},
	} {
		proxy.Set(c.mode)
		for _, args := range [][]string{nil, {"--name", "prod.example.com"}} {
			o := typeIn(t, append([]string{"kops", "check", "--timeout", "500ms", "--state", proxy.S3URL(bucket, "")}, args...)...)
			o.says(t, exitUnproven, c.says)
			if strings.Contains(o.out, "NeverExisted") {
				t.Errorf("%s: it is taken for new:\n%s", c.reason, o.out)
			}
		}
	}
	proxy.Set(testenv.Pass())
	typeIn(t, "kops", "check", "--state", proxy.S3URL(bucket, "")).says(t, exitOK, "seed, it is new")
}

// TestKopsCheckLeavesNoTrace: it reads only.
func TestKopsCheckLeavesNoTrace(t *testing.T) {
	url := stateStore(t, healthyProd())
	lose(t, url, prodSpec)
	before := treeOf(t, url)
	typeIn(t, "kops", "check", "--state", url, "--verify").says(t, exitRefused)
	if after := treeOf(t, url); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func treeOf(t *testing.T, url string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(strings.TrimPrefix(url, "file://"), func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintf(&b, "%s %d %s\n", path, info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestKopsCheckSchema: the schema has the very fields of the report, and real
// reports keep to it, in JSON and in YAML.
func TestKopsCheckSchema(t *testing.T) {
	root, raw := readSchema(t, "kopscheck.schema.json")
	compare(t, "report", root, reflect.TypeFor[kops.Report](), root.Defs)
	var actions, states []string
	for _, a := range decide.Actions() {
		actions = append(actions, string(a))
	}
	for _, s := range proof.States() {
		states = append(states, s.String())
	}
	result := root.Defs["result"].Properties
	if !slices.Equal(result["action"].Enum, actions) || !slices.Equal(result["verdict"].Enum, states) {
		t.Errorf("the schema has the actions %v and the verdicts %v", result["action"].Enum, result["verdict"].Enum)
	}

	url := stateStore(t, healthyProd(), kopstest.New("new.k8s.local", 1))
	lose(t, url, prodMarker)
	inJSON := typeIn(t, "kops", "check", "--state", url, "-o", "json", "--verify")
	inYAML := typeIn(t, "kops", "check", "--state", url, "-o", "yaml")
	var value any
	if err := json.Unmarshal([]byte(inJSON.out), &value); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range violations("report", raw, value, raw) {
		t.Error(wrong)
	}
	converted, err := yaml.YAMLToJSON([]byte(inYAML.out))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(converted, &value); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range violations("report", raw, value, raw) {
		t.Error(wrong)
	}
	// The validator itself must find what is wrong.
	bad := bytes.Replace([]byte(inJSON.out), []byte(`"seed-imminent"`), []byte(`"seed-soon"`), 1)
	if err := json.Unmarshal(bad, &value); err != nil {
		t.Fatal(err)
	}
	if len(violations("report", raw, value, raw)) != 1 {
		t.Error("an action that there is not was not found")
	}
}
