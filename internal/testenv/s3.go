package testenv

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The credentials of every S3 server here. They are the same so that one
// environment serves a test that talks to several.
const (
	s3AccessKey = "seedproof-test"
	s3SecretKey = "seedproof-test-secret"
	s3Region    = "us-east-1"
)

// S3Server is a real S3 server on a loopback port with its data in a directory
// of its own. It ends with its test.
type S3Server struct {
	Name      string // versitygw or minio
	Endpoint  string // http://127.0.0.1:port
	AccessKey string
	SecretKey string
	Region    string
	Dir       string // its data, kept over Stop and Start

	t       testing.TB // for fatal errors of Start
	flavour flavour
	program string
	address string
	logPath string
	running *process
}

// flavour is what differs between the servers.
type flavour struct {
	args  func(address, dir string) []string
	env   []string
	ready string // a path that answers 200 without credentials
}

var flavours = map[string]flavour{
	"versitygw": {
		args: func(address, dir string) []string {
			return []string{"--port", address, "--health", "/healthz", "-q", "posix", dir}
		},
		env:   []string{"ROOT_ACCESS_KEY=" + s3AccessKey, "ROOT_SECRET_KEY=" + s3SecretKey},
		ready: "/healthz",
	},
	"minio": {
		args: func(address, dir string) []string {
			return []string{"server", "--quiet", "--address", address, dir}
		},
		env:   []string{"MINIO_ROOT_USER=" + s3AccessKey, "MINIO_ROOT_PASSWORD=" + s3SecretKey, "MINIO_BROWSER=off"},
		ready: "/minio/health/ready",
	},
}

// S3 starts versitygw, the default S3 server of the tests.
func S3(t testing.TB) *S3Server { t.Helper(); return startS3(t, "versitygw") }

// MinIO starts a MinIO server: a second opinion, and lifecycle rules.
func MinIO(t testing.TB) *S3Server { t.Helper(); return startS3(t, "minio") }

func startS3(t testing.TB, name string) *S3Server {
	t.Helper()
	address := loopback(FreePorts(t, 1)[0])
	s := &S3Server{
		Name:      name,
		Endpoint:  "http://" + address,
		AccessKey: s3AccessKey,
		SecretKey: s3SecretKey,
		Region:    s3Region,
		Dir:       t.TempDir(),
		t:         t,
		flavour:   flavours[name],
		program:   Binary(t, name),
		address:   address,
		logPath:   filepath.Join(t.TempDir(), name+".log"),
	}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// Start starts the server again after Stop, on the same port and data, and
// waits until it answers.
func (s *S3Server) Start() {
	s.t.Helper()
	if s.running != nil {
		s.t.Fatalf("testenv: %s is already running", s.Name)
	}
	p, err := startProcess(s.logPath, s.flavour.env, s.program, s.flavour.args(s.address, s.Dir)...)
	if err != nil {
		s.t.Fatalf("testenv: %v", err)
	}
	s.running = p
	if err := p.awaitHTTP(s.Endpoint + s.flavour.ready); err != nil {
		s.t.Fatalf("testenv: wait for %s: %v", s.Name, err)
	}
}

// Stop ends the server; connections to it are refused from then on. It does
// nothing when the server does not run.
func (s *S3Server) Stop() {
	if s.running == nil {
		return
	}
	s.running.stop()
	s.running = nil
}

// Client is the vendor's own client, signed in as the owner of everything, for
// tests that look or interfere behind the back of the code under test.
func (s *S3Server) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
}

// Bucket makes a bucket with a fresh name.
func (s *S3Server) Bucket(t testing.TB) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	if _, err := s.Client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("testenv: make a bucket on %s: %v", s.Name, err)
	}
	return name
}

// URL is the store URL of a prefix in a bucket of this server. It carries no
// credentials: those come through Env or Setenv.
func (s *S3Server) URL(bucket, prefix string) string {
	return s3URL(s.Endpoint, s.Region, bucket, prefix)
}

func s3URL(endpoint, region, bucket, prefix string) string {
	u := url.URL{Scheme: "s3", Host: bucket}
	if prefix != "" {
		u.Path = "/" + strings.Trim(prefix, "/")
	}
	u.RawQuery = url.Values{
		"endpoint":   {endpoint},
		"region":     {region},
		"path-style": {strconv.FormatBool(true)},
	}.Encode()
	return u.String()
}

// Env are the variables that a program needs to sign in.
func (s *S3Server) Env() []string {
	return []string{
		fmt.Sprintf("AWS_ACCESS_KEY_ID=%s", s.AccessKey),
		fmt.Sprintf("AWS_SECRET_ACCESS_KEY=%s", s.SecretKey),
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Setenv puts Env into the environment of this test process until the test
// ends. Parallel tests cannot use it.
func (s *S3Server) Setenv(t testing.TB) {
	t.Helper()
	for _, pair := range s.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}
