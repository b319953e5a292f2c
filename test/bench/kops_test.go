package bench

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/testenv"
	"github.com/seedproof/seedproof/test/kops/fleet"
	"github.com/seedproof/seedproof/test/standins/s3list"
)

const (
	fleetClusters = 200
	fleetBackups  = 5_000 // of each of the two etcd clusters of each: 10,000 of each cluster
	fleetRounds   = 3
)

// BenchmarkKopsCheck holds `seedproof kops check` over a large state store to a
// plain listing of the same keys with the vendor's SDK, side by side: both ask
// the same stand-in, which answers at once, so this is the cost of the program
// and of the way, and not that of a far store's latency.
func BenchmarkKopsCheck(b *testing.B) {
	content := fleet.Make(b, fleet.Size{Clusters: fleetClusters, Backups: fleetBackups, Last: time.Now().Add(-5 * time.Minute)})
	server := httptest.NewServer(&s3list.Server{Bucket: "fleet", Content: content})
	defer server.Close()
	b.Setenv("AWS_ACCESS_KEY_ID", "id")
	b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	client := s3.New(s3.Options{BaseEndpoint: &server.URL, Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")})
	for range b.N {
		var checks, cpus, listings, ratios []float64
		for range fleetRounds {
			began := time.Now()
			check := command(b.Context(), testenv.Seedproof(b), "kops", "check", "-o", "json", "--state", "s3://fleet?region=us-east-1&endpoint="+server.URL)
			check.start(b)
			cpu := check.wait(b, 3) // some clusters are in danger
			checks, cpus = append(checks, time.Since(began).Seconds()), append(cpus, cpu.Seconds())

			began = time.Now()
			if n := listAll(b.Context(), b, client); n != content.Keys() {
				b.Fatalf("%d of %d keys were listed", n, content.Keys())
			}
			listings = append(listings, time.Since(began).Seconds())
			ratios = append(ratios, checks[len(checks)-1]/listings[len(listings)-1])
			say("%d keys: check %.3g s, plain listing %.3g s (load %s)", content.Keys(), checks[len(checks)-1], listings[len(listings)-1], load(b))
		}
		b.Logf("load %s: %d clusters, %d keys: check %s s, CPU %s s; plain listing %s s; ratio %s",
			load(b), fleetClusters, content.Keys(), spread(checks), spread(cpus), spread(listings), spread(ratios))
		report(b, map[string]float64{"check-s": median(checks), "check-CPU-s": median(cpus), "listing-s": median(listings), "check/listing": median(ratios)})
	}
}

// listAll counts the keys as a simple program would.
func listAll(ctx context.Context, b *testing.B, client *s3.Client) (keys int) {
	b.Helper()
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String("fleet")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			b.Fatal(err)
		}
		keys += len(page.Contents)
	}
	return keys
}
