package kops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/testenv"
	"github.com/seedproof/seedproof/test/kops/fleet"
	"github.com/seedproof/seedproof/test/standins/s3list"
)

const (
	clusters = 200
	etcds    = 2 // main and events of each
	pageSize = 1000
	mib      = 1 << 20
)

// report is what `-o json` prints, as far as it is looked at here.
type report struct {
	ExitCode   int
	Incomplete string
	Clusters   []struct {
		Cluster, Etcd, Action string
		ExitCode, Backups     int
		LastValidBackup       *struct{ Name, State string }
		NewestBackup          *struct{ Name string }
		Threats               []struct{ Kind string }
	}
}

// passed is one check by a process of its own, and what it took.
type passed struct {
	report             report
	listings, requests int64
	anon, peak         int64 // bytes
	wall, cpu          time.Duration
}

// watched reads the memory of a process each time that it asks for something.
type watched struct {
	pid        atomic.Int64
	mu         sync.Mutex
	anon, peak int64
	err        error
}

func (w *watched) look(*http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pid := w.pid.Load()
	if pid == 0 || w.err != nil {
		return
	}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.FormatInt(pid, 10), "status"))
	if err != nil {
		w.err = err
		return
	}
	w.anon = max(w.anon, field(text, "RssAnon:"))
	w.peak = max(w.peak, field(text, "VmHWM:"))
}

// field is one of /proc/PID/status, in bytes.
func field(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	value, _, _ := bytes.Cut(rest, []byte(" kB"))
	kib, err := strconv.ParseInt(strings.TrimSpace(string(value)), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// checked runs the program on a fleet behind the stand-in.
func checked(t *testing.T, content *fleet.Content) passed {
	t.Helper()
	var memory watched
	server := &s3list.Server{Bucket: "fleet", Content: content, Seen: memory.look}
	listener := httptest.NewServer(server)
	defer listener.Close()
	cmd := exec.CommandContext(t.Context(), testenv.Seedproof(t), "kops", "check", "-o", "json",
		"--state", "s3://fleet?region=us-east-1&endpoint="+listener.URL)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	memory.pid.Store(int64(cmd.Process.Pid))
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	p := passed{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if err := json.Unmarshal(out.Bytes(), &p.report); err != nil {
		t.Fatalf("%v; it said %s", err, &said)
	}
	if have := cmd.ProcessState.ExitCode(); have != p.report.ExitCode {
		t.Errorf("exit code %d, and the report says %d", have, p.report.ExitCode)
	}
	if memory.err != nil {
		t.Fatal(memory.err)
	}
	p.anon, p.peak, p.listings = memory.anon, memory.peak, server.Listings.Load()
	p.requests = p.listings + server.Reads.Load() + server.Others.Load()
	return p
}

// trouble is what has to be said of main of a cluster, by its number.
var trouble = map[int]struct {
	action, threat string
	exit           int
}{
	fleet.MarkerLost:  {"seed-imminent", "", 3},
	fleet.ControlLost: {"seed-over-existing", "", 3},
	fleet.New:         {"seed-new", "", 0},
	fleet.Stopped:     {"none", "backups-stopped", 0},
}

// judge holds a report to what the fleet is.
func judge(t *testing.T, p passed, backups int) {
	t.Helper()
	if len(p.report.Clusters) != clusters*etcds || p.report.ExitCode != 3 || p.report.Incomplete != "" {
		t.Fatalf("%d results, exit code %d, incomplete %q", len(p.report.Clusters), p.report.ExitCode, p.report.Incomplete)
	}
	for i, r := range p.report.Clusters {
		number := i / etcds
		want, troubled := trouble[number]
		if !troubled || r.Etcd != "main" && number != fleet.New {
			want.action, want.exit = "none", 0
		}
		have, threat := 0, want.threat == "" || r.Etcd != "main"
		if number != fleet.New {
			have = backups
		}
		for _, t := range r.Threats {
			threat = threat || t.Kind == want.threat
		}
		if r.Cluster != fleet.Name(number) || r.Action != want.action || r.ExitCode != want.exit || r.Backups != have || !threat {
			t.Errorf("number %d: %+v", number, r)
		}
		if number != fleet.New && (r.LastValidBackup == nil || r.LastValidBackup.State != "not-opened" || r.LastValidBackup.Name != r.NewestBackup.Name) {
			t.Errorf("number %d: the newest backup is not the last valid one: %+v", number, r)
		}
	}
}

// requestsFor is the most that a check without --verify may ask: each key is
// listed once; of each cluster two files are read, of each etcd cluster its two
// control files and up to three meta files, and the versions of a control file
// that is missing; and the bucket is asked five questions.
func requestsFor(keys int) (listings, requests int64) {
	const each, ofEtcd, ofBucket = 2, 2 + 3 + 2, 5
	listings = int64((keys + pageSize - 1) / pageSize)
	return listings, listings + clusters*(each+etcds*ofEtcd) + ofBucket
}

// TestAFleet: two hundred clusters, and ten thousand backups of each of their
// etcd clusters, in one pass of a process of its own: all is found, with no
// request too many, in memory that does not grow with the backups.
func TestAFleet(t *testing.T) {
	last := time.Now().Add(-5 * time.Minute)
	var before passed
	for _, backups := range []int{most / 10, most} {
		content := fleet.Make(t, fleet.Size{Clusters: clusters, Backups: backups, Last: last})
		p := checked(t, content)
		judge(t, p, backups)
		listings, requests := requestsFor(content.Keys())
		if p.listings != listings || p.requests > requests {
			t.Errorf("%d listings and %d requests; expected %d, and at most %d", p.listings, p.requests, listings, requests)
		}
		if p.anon == 0 || p.peak < p.anon || p.anon > maxAnon {
			t.Errorf("RssAnon %d MiB, peak %d MiB; allowed are %d", p.anon/mib, p.peak/mib, maxAnon/mib)
		}
		if before.anon > 0 && p.anon > before.anon*3/2+8*mib {
			t.Errorf("RssAnon rose from %d MiB to %d with ten times the backups", before.anon/mib, p.anon/mib)
		}
		t.Logf("NOTE: %d clusters with %d backups of each of %d etcd clusters, %d keys: %d requests (%d listings, %d others; allowed %d), RssAnon at most %d MiB, VmHWM %d MiB, %s of CPU in %s",
			clusters, backups, clusters*etcds, content.Keys(), p.requests, p.listings, p.requests-p.listings, requests,
			p.anon/mib, p.peak/mib, p.cpu.Round(10*time.Millisecond), p.wall.Round(10*time.Millisecond))
		before = p
	}
}

// TestField holds the reading of /proc to what it looks like.
func TestField(t *testing.T) {
	status := fmt.Appendf(nil, "Name:\tseedproof\nVmHWM:\t   40960 kB\nRssAnon:\t    1024 kB\nThreads:\t9\n")
	if field(status, "RssAnon:") != mib || field(status, "VmHWM:") != 40*mib || field(status, "Nothing:") != 0 {
		t.Errorf("RssAnon %d, VmHWM %d", field(status, "RssAnon:"), field(status, "VmHWM:"))
	}
}
