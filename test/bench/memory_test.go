package bench

import (
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	sampleEvery = 50 * time.Millisecond
	idleFor     = 20 * time.Second
	backups     = 3 // that the agent takes while its memory is watched
	mib         = 1 << 20
)

// memoryOfAgent watches the anonymous memory of a real agent while it takes
// backups by its own schedule.
func memoryOfAgent(b *testing.B, c *localtest.Cluster) {
	pid := c.Member("a").AgentPID
	first, _ := c.Newest()
	newest := first.Backup.Newest
	idle := watchMemory(b, pid, time.Now().Add(idleFor), func() bool { return false })
	median := median(idle)
	configure(b, c, "--backup-interval", "1s") // one is always due
	var peaks []float64
	for range backups {
		deadline := time.Now().Add(10 * time.Minute)
		samples := watchMemory(b, pid, deadline, every(time.Second, func() bool {
			now, ok := c.Newest()
			if !ok || now.Backup.Newest == newest {
				return false
			}
			newest = now.Backup.Newest
			return true
		}))
		if time.Now().After(deadline) {
			b.Fatal("the agent took no backup")
		}
		peaks = append(peaks, slices.Max(samples)-median)
	}
	configure(b, c, "--backup-interval", "24h")
	b.Logf("load %s: idle MiB %s; above it during a backup, MiB %s", load(b), spread(idle), spread(peaks))
	report(b, map[string]float64{"idle-MiB": median, "above-idle-MiB": slices.Max(peaks)})
}

// watchMemory samples RssAnon, in MiB, until the deadline or until done.
func watchMemory(b *testing.B, pid int, deadline time.Time, done func() bool) []float64 {
	b.Helper()
	beat := time.NewTicker(sampleEvery)
	defer beat.Stop()
	var samples []float64
	for time.Now().Before(deadline) && !done() {
		<-beat.C
		samples = append(samples, float64(mustRSS(b, pid))/mib)
	}
	return samples
}

// every asks at most once in d.
func every(d time.Duration, ask func() bool) func() bool {
	var last time.Time
	return func() bool {
		if time.Since(last) < d {
			return false
		}
		last = time.Now()
		return ask()
	}
}

func configure(b *testing.B, c *localtest.Cluster, args ...string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), testenv.Seedproof(b), append([]string{"etcd", "configure", "--dir", c.Dir}, args...)...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("configure: %v\n%s", err, out)
	}
}
