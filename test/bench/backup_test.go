package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/testenv"
)

// BenchmarkBackup measures backups of one etcd with 1 GiB of data.
func BenchmarkBackup(b *testing.B) {
	c := localtest.Start(b, localtest.Options{Interval: time.Second, BackupInterval: 24 * time.Hour,
		Args: []string{"--log-level", "info"}})
	size := fill(b, c.Client(), int64(*sizeMiB)<<20)
	b.Logf("the database has %d MiB", size>>20)
	b.Run("AgainstEtcdctl", func(b *testing.B) { againstEtcdctl(b, c.Ready(), size) })
	b.Run("MemoryOfAgent", func(b *testing.B) { memoryOfAgent(b, c) })
}

// contest is the ways of making a backup that are measured in turn.
type contest struct {
	ready                         local.Ready
	takebackup, gzipfile, etcdctl string
	ours, saved, piped            []cost
	oursPart                      int64 // bytes stored
}

// againstEtcdctl compares a whole backup with all its checks with what a
// script would do: "etcdctl snapshot save" and then gzip ("saved"), and the
// two at once through a fifo ("piped").
func againstEtcdctl(b *testing.B, ready local.Ready, size int64) {
	c := &contest{ready: ready, takebackup: build(b, "takebackup"), gzipfile: build(b, "gzipfile"), etcdctl: testenv.Binary(b, "etcdctl")}
	for range b.N {
		for round := range *rounds {
			before := load(b)
			ours, piped, saved := c.take(b), c.pipe(b), c.save(b)
			c.ours, c.piped, c.saved = append(c.ours, ours), append(c.piped, piped), append(c.saved, saved)
			say("round %d, load %s: ours %s; piped %s; saved %s", round+1, before, ours, piped, saved)
		}
	}
	oursWall, oursCPU, oursEtcd := each(c.ours)
	pipedWall, pipedCPU, pipedEtcd := each(c.piped)
	savedWall, savedCPU, _ := each(c.saved)
	b.Logf("ours: wall s %s; CPU s %s; the etcd's CPU s %s", spread(oursWall), spread(oursCPU), spread(oursEtcd))
	b.Logf("piped: wall s %s; CPU s %s; the etcd's CPU s %s", spread(pipedWall), spread(pipedCPU), spread(pipedEtcd))
	b.Logf("saved: wall s %s; CPU s %s", spread(savedWall), spread(savedCPU))
	report(b, map[string]float64{
		"wall/piped":  median(ratios(oursWall, pipedWall)),
		"cpu/piped":   median(ratios(oursCPU, pipedCPU)),
		"wall/saved":  median(ratios(oursWall, savedWall)),
		"cpu/saved":   median(ratios(oursCPU, savedCPU)),
		"stored/size": float64(c.oursPart) / float64(size),
	})
}

func (c cost) String() string {
	return strings.Join([]string{c.wall.Round(time.Millisecond).String(), "wall", c.cpu.Round(time.Millisecond).String(), "CPU"}, " ")
}

func each(costs []cost) (wall, cpu, etcd []float64) {
	for _, c := range costs {
		wall, cpu, etcd = append(wall, c.wall.Seconds()), append(cpu, c.cpu.Seconds()), append(etcd, c.etcd.Seconds())
	}
	return wall, cpu, etcd
}

// ratios are those of one round each: what disturbs the machine for longer
// disturbs both sides.
func ratios(ours, theirs []float64) []float64 {
	var all []float64
	for i := range ours {
		all = append(all, ours[i]/theirs[i])
	}
	return all
}

// measured runs work in a directory of its own and adds what the etcd used.
func (c *contest) measured(b *testing.B, work func(dir string) time.Duration) cost {
	b.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(c.ready.Members[0].DataDir), "bench-")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	syscall.Sync() // what others wrote is not ours to wait for
	etcd := c.ready.Members[0].EtcdPID
	served, start := mustCPU(b, etcd), time.Now()
	cpu := work(dir)
	return cost{wall: time.Since(start), cpu: cpu, etcd: mustCPU(b, etcd) - served}
}

func (c *contest) tls() []string {
	return []string{"--cacert", c.ready.CACert, "--cert", c.ready.Cert, "--key", c.ready.Key}
}

func (c *contest) take(b *testing.B) cost {
	return c.measured(b, func(dir string) time.Duration {
		args := append(c.tls(), "--endpoint", c.ready.Endpoints[0], "--store", "file://"+filepath.Join(dir, "store"))
		if *profile != "" {
			args = append(args, "--cpuprofile", *profile)
		}
		used := command(b.Context(), c.takebackup, args...).run(b)
		c.oursPart = storedSize(b, dir)
		return used
	})
}

func storedSize(b *testing.B, dir string) int64 {
	b.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "store", managerfiles.DataKey("*")))
	if err != nil || len(found) != 1 {
		b.Fatalf("the data of one backup below %s: %v (%v)", dir, found, err)
	}
	info, err := os.Stat(found[0])
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

func (c *contest) snapshot(ctx context.Context, path string) *program {
	return command(ctx, c.etcdctl, append(c.tls(), "--endpoints", c.ready.Endpoints[0], "snapshot", "save", path)...)
}

func (c *contest) save(b *testing.B) cost {
	return c.measured(b, func(dir string) time.Duration {
		raw := filepath.Join(dir, "snapshot")
		used := c.snapshot(b.Context(), raw).run(b)
		return used + command(b.Context(), c.gzipfile, raw, raw+".gz").run(b)
	})
}

// cannotSync is how etcdctl ends when its file is a fifo: all bytes went
// through, and its fsync fails.
const cannotSync = 5

func (c *contest) pipe(b *testing.B) cost {
	return c.measured(b, func(dir string) time.Duration {
		raw := filepath.Join(dir, "snapshot")
		fifo := raw + ".part" // the name that etcdctl writes to
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			b.Fatal(err)
		}
		zip := command(b.Context(), c.gzipfile, fifo, raw+".gz")
		save := c.snapshot(b.Context(), raw)
		zip.start(b)
		save.start(b)
		used := save.wait(b, cannotSync) + zip.wait(b, 0)
		if !strings.Contains(save.out.String(), "could not fsync snapshot") {
			b.Fatal(save.out.String())
		}
		return used
	})
}
