package svm

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
	"github.com/seedproof/seedproof/test/bench/svm/fleet"
)

var (
	largest = flag.Int("svms", 10_000, "SVMs of the largest fleet")
	arrays  = flag.Int("arrays", 12, "arrays of the largest fleet")
	rounds  = flag.Int("rounds", 5, "how often each is measured")
	profile = flag.String("cycle-profile", "", "where to write a CPU profile of the cycles, and with .heap behind it one of the memory")
	sampled = flag.Int("sampled", 200, "of how many SVMs the plain way is measured; the rest is reckoned from them")
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(testenv.RunWithKube(m))
}

// traffic is what arrays were asked.
type traffic struct {
	calls, most    int // in all, and of the array that got most
	received, sent int // bytes of bodies, as the arrays see it
}

func trafficOf(sims []*sim.Simulator) traffic {
	var t traffic
	for _, s := range sims {
		requests := s.Requests()
		t.calls, t.most = t.calls+len(requests), max(t.most, len(requests))
		for _, q := range requests {
			t.received, t.sent = t.received+q.Received, t.sent+q.Sent
		}
	}
	return t
}

// BenchmarkCreate is the making of one SVM, from nothing to a pair that was
// proved, on an array that takes no time for its jobs.
func BenchmarkCreate(b *testing.B) {
	f := fleet.New(b, fleet.Options{SVMs: 1, Kube: testenv.SharedKube(b)})
	for range b.N {
		var calls, kib, kube, seconds []float64
		for n := range *rounds {
			asked := &counter{}
			r := f.Controller(svm.Options{Seed: f.Store(seed.Options{Observer: asked})})
			f.ForgetRequests()
			began := time.Now()
			want := f.Wish(100 + n)
			for range 20 {
				if res := r.Reconcile(b.Context(), want); res.AtRest || res.Acted && len(res.Decision.Steps) > 0 && allDone(res) {
					break
				}
			}
			took, t := time.Since(began), trafficOf(f.Sims)
			calls, kib = append(calls, float64(t.calls)), append(kib, float64(t.received+t.sent)/1024)
			kube, seconds = append(kube, float64(asked.calls.Load())), append(seconds, took.Seconds())
		}
		b.Logf("load %s: calls to the array %s, KiB %s; calls to the seed %s; seconds %s", load(), spread(calls), spread(kib), spread(kube), spread(seconds))
		report(b, map[string]float64{"array-calls": median(calls), "array-KiB": median(kib), "seed-calls": median(kube), "s": median(seconds)})
	}
}

func allDone(res svm.Result) bool {
	for _, s := range res.Decision.Steps {
		if s.State != "done" {
			return false
		}
	}
	return true
}

// shifted is the machine's clock, so much ahead.
type shifted struct {
	flow.RealClock
	by *atomic.Int64
}

func (c shifted) Now() time.Time { return c.RealClock.Now().Add(time.Duration(c.by.Load())) }

// BenchmarkLoginCheck is what a cycle makes of one SVM whose login check is due,
// above what the cycle costs without.
func BenchmarkLoginCheck(b *testing.B) {
	clock := shifted{by: &atomic.Int64{}}
	f := fleet.New(b, fleet.Options{SVMs: 1, Kube: testenv.SharedKube(b), Clock: clock})
	for range b.N {
		asked := &counter{}
		r := f.Controller(svm.Options{Seed: f.Store(seed.Options{Observer: asked})})
		f.ForgetRequests()
		r.Cycle(b.Context(), f.Wishes)
		idle, idleSeed := trafficOf(f.Sims), asked.calls.Load()
		clock.by.Add(int64(svm.DefaultPolicy().Credentials.VerifyEvery))
		f.ForgetRequests()
		if res := r.Cycle(b.Context(), f.Wishes); res.Count(svm.CycleChecked) != 1 {
			b.Fatalf("no login was due: %+v", res.SVMs)
		}
		due, logins := trafficOf(f.Sims), 0
		for _, q := range f.Sims[0].Requests() {
			if q.SVM != "" {
				logins++
			}
		}
		report(b, map[string]float64{
			"array-calls": float64(due.calls - idle.calls), "of-them-logins": float64(logins),
			"array-KiB": float64(due.received+due.sent-idle.received-idle.sent) / 1024, "seed-calls": float64(asked.calls.Load() - 2*idleSeed),
		})
	}
}

// BenchmarkCycle is a cycle in which nothing is to be done, and beside it the
// plain ways: reading each SVM by itself as a simple controller does, and our
// own reconcile of each.
func BenchmarkCycle(b *testing.B) {
	for _, size := range []struct{ svms, arrays int }{{1, 1}, {1000, 1}, {*largest, *arrays}} {
		b.Run(fmt.Sprintf("SVMs=%d/Arrays=%d", size.svms, size.arrays), func(b *testing.B) {
			began := time.Now()
			f := fleet.New(b, fleet.Options{SVMs: size.svms, Arrays: size.arrays, Kube: testenv.Kube(b)})
			say("%d SVMs on %d arrays were made in %s", size.svms, size.arrays, time.Since(began).Round(time.Second))
			for range b.N {
				cycle(b, f)
			}
		})
	}
}

func cycle(b *testing.B, f *fleet.Fleet) {
	svms := len(f.Wishes)
	f.ForgetRequests()
	ours := runChild(b, f, *rounds)
	t := trafficOf(f.Sims)
	perCycle := func(n int) float64 { return float64(n) / float64(*rounds) }
	for _, c := range ours.Cycles {
		if c.AtRest != svms {
			b.Fatalf("%d of %d SVMs are at rest: %+v", c.AtRest, svms, c)
		}
	}
	last := ours.Cycles[len(ours.Cycles)-1]
	var seconds []float64
	for _, c := range ours.Cycles[min(1, len(ours.Cycles)-1):] { // the first opens the connections
		seconds = append(seconds, c.Seconds)
	}
	allowed := math.Inf(1)
	for _, a := range last.Arrays {
		allowed = min(allowed, float64(a.Records/500+15-a.Calls))
	}
	plain := plainly(b, f)
	figures := map[string]float64{
		"array-calls": perCycle(t.calls), "calls-most-of-one": perCycle(t.most), "calls-below-allowed": allowed,
		"array-KiB": perCycle(t.received+t.sent) / 1024, "seed-calls": float64(last.SeedCalls), "s": median(seconds),
		"peak-heap-MiB": ours.PeakHeap / mib, "peak-RSS-MiB": ours.PeakRSS / mib,
		"plain/calls": plain.calls / perCycle(t.calls), "plain/bytes": plain.bytes / perCycle(t.received+t.sent), "plain/s": plain.seconds / median(seconds),
	}
	b.Logf("load %s: %d SVMs: seconds %s; CPU s a cycle %.3g; plain: %.0f calls to arrays, %.0f KiB, %.3g s (of %d, scaled)",
		load(), svms, spread(seconds), ours.CPU/float64(*rounds), plain.calls, plain.bytes/1024, plain.seconds, min(*sampled, svms))
	report(b, figures)
}

const mib = 1 << 20

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func spread(values []float64) string {
	return fmt.Sprintf("median %.3g (%.3g to %.3g, n=%d)", median(values), slices.Min(values), slices.Max(values), len(values))
}

// load is how busy the machine is: figures without it mean little.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "    "+format+"\n", args...) }

func report(b *testing.B, figures map[string]float64) {
	b.Helper()
	for unit, value := range figures {
		b.ReportMetric(value, unit)
	}
	b.ReportMetric(0, "ns/op")
}
