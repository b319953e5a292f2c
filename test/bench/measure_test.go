package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	sizeMiB = flag.Int("mib", 1024, "size of the database that is backed up")
	rounds  = flag.Int("rounds", 5, "how often each pair is measured, one after the other in turn")
	profile = flag.String("backup-profile", "", "where to write a CPU profile of our backup")
)

// median is the middle one, or the mean of the middle two.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread is a median with the least and the greatest, for people.
func spread(values []float64) string {
	if len(values) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("median %.3g (%.3g to %.3g, n=%d)", median(values), slices.Min(values), slices.Max(values), len(values))
}

// load is how busy the machine is: figures without it mean little.
func load(b *testing.B) string {
	b.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// ticks is the kernel's unit of CPU time in /proc, on every Linux that Go has.
const ticks = 100

// cpuOf is the user and system time that a process has used, its threads'
// included, its children's not.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("the stat of process %d has %d fields", pid, len(fields))
	}
	var sum int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, nil
}

// rssAnon is the anonymous memory of a process, in bytes.
func rssAnon(pid int) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "RssAnon:"); found {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no RssAnon", pid)
}

func mustCPU(b *testing.B, pid int) time.Duration {
	b.Helper()
	used, err := cpuOf(pid)
	if err != nil {
		b.Fatal(err)
	}
	return used
}

func mustRSS(b *testing.B, pid int) int64 {
	b.Helper()
	n, err := rssAnon(pid)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// say tells how a benchmark of many minutes gets on; its log comes at its end.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "    "+format+"\n", args...) }

// report gives the benchmark's line its figures, and takes away the one that
// means nothing here.
func report(b *testing.B, figures map[string]float64) {
	b.Helper()
	for unit, value := range figures {
		b.ReportMetric(value, unit)
	}
	b.ReportMetric(0, "ns/op")
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 3: {3}, 2.5: {4, 1, 2, 3}, 2: {3, 1, 2}} {
		if got := median(values); got != want {
			t.Errorf("the median of %v is %v, want %v", values, got, want)
		}
	}
}

// TestOwnProcess holds what is read from /proc to what this process does.
func TestOwnProcess(t *testing.T) {
	before, err := rssAnon(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	var cpu time.Duration
	for round := byte(0); cpu < 3*time.Second/ticks; round++ {
		for i := range block {
			block[i] += round + byte(i)
		}
		if cpu, err = cpuOf(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	after, err := rssAnon(os.Getpid())
	if err != nil || after-before < 60<<20 {
		t.Fatalf("64 MiB more in use, and RssAnon went from %d to %d (%v)", before, after, err)
	}
	if block[1] == 0 && block[2] == 0 {
		t.Fatal("nothing was computed")
	}
}
