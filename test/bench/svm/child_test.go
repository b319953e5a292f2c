package svm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/test/bench/svm/fleet"
)

// The controller is measured in a process of its own: the simulators' memory is
// not its. At rest it logs in nowhere, so that it needs no way to the
// interfaces that the simulators make up.
const childVariable = "SEEDPROOF_BENCH_CONTROLLER"

type childConfig struct {
	KubeURL, Token, Namespace string
	CA                        []byte
	Arrays                    []childArray
	Wishes                    []svm.Wish
	Cycles                    int
	Profile                   string // where to write it; "": nowhere
}

type childArray struct {
	Name, URL, User, Password string
	CA                        []byte
}

type childResult struct {
	Cycles            []cycleResult
	PeakHeap, PeakRSS float64 // bytes
	CPU               float64 // seconds
}

type cycleResult struct {
	Seconds   float64
	AtRest    int
	SeedCalls int64
	Arrays    []svm.CycleArray
	SeedErr   string
	First     svm.CycleSVM // of those that are not at rest
}

// counter counts the calls to the seed.
type counter struct{ calls atomic.Int64 }

func (c *counter) Called(seed.Call) { c.calls.Add(1) }

// runChild runs cycles over a fleet in a process of their own.
func runChild(b *testing.B, f *fleet.Fleet, cycles int) childResult {
	b.Helper()
	config := childConfig{KubeURL: f.Kube.URL, Token: f.Kube.AdminToken, CA: f.Kube.CAPEM, Namespace: f.Namespace, Wishes: f.Wishes, Cycles: cycles, Profile: *profile}
	for _, s := range f.Sims {
		c := s.Cluster(0)
		user, password := c.Credentials()
		config.Arrays = append(config.Arrays, childArray{Name: c.Name(), URL: c.URL(), User: user, Password: password, CA: c.CA()})
	}
	input, err := json.Marshal(config)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		b.Fatalf("the controller: %v", err)
	}
	var result childResult
	if err := json.Unmarshal(output, &result); err != nil {
		b.Fatalf("the controller said %.200q: %v", output, err)
	}
	result.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return result
}

// child is the controller.
func child(in io.Reader, out io.Writer) error {
	var config childConfig
	if err := json.NewDecoder(in).Decode(&config); err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
	asked := &counter{}
	r, err := config.controller(asked)
	if err != nil {
		return err
	}
	end, err := profiled(config.Profile)
	if err != nil {
		return err
	}
	var result childResult
	ctx, cancel := context.WithCancel(context.Background())
	peak := peakHeap(ctx)
	for range config.Cycles {
		before, began := asked.calls.Load(), time.Now()
		res := r.Cycle(context.Background(), config.Wishes)
		c := cycleResult{Seconds: time.Since(began).Seconds(), AtRest: res.Count(svm.CycleAtRest), Arrays: res.Arrays, SeedCalls: asked.calls.Load() - before}
		if res.SeedErr != nil {
			c.SeedErr = res.SeedErr.Error()
		}
		for _, s := range res.SVMs {
			if s.State != svm.CycleAtRest {
				c.First = s
				break
			}
		}
		c.First.Result = nil
		result.Cycles = append(result.Cycles, c)
	}
	cancel()
	result.PeakHeap = <-peak
	if err := end(); err != nil {
		return err
	}
	if result.PeakRSS, err = peakRSS(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

func (c childConfig) controller(asked seed.Observer) (*svm.Reconciler, error) {
	store, err := seed.New(seed.Options{
		Config:    &rest.Config{Host: c.KubeURL, BearerToken: c.Token, TLSClientConfig: rest.TLSClientConfig{CAData: c.CA}},
		Namespace: c.Namespace, Observer: asked, Timeout: time.Minute,
	})
	o := svm.Options{Seed: store}
	errs := []error{err}
	for _, a := range c.Arrays {
		client, err := ontap.New(ontap.Options{Name: a.Name, URL: a.URL, User: a.User, Password: ontap.NewSecret(a.Password), Trust: ontap.Trust{CA: a.CA}})
		o.Arrays, errs = append(o.Arrays, look.Array{Name: a.Name, Client: client}), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return svm.New(o)
}

// peakHeap watches the heap, what is garbage on it included, until ctx ends.
func peakHeap(ctx context.Context) <-chan float64 {
	found := make(chan float64, 1)
	go func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		peak := uint64(0)
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-ctx.Done():
				found <- float64(peak)
				return
			case <-tick.C:
			}
		}
	}()
	return found
}

// profiled writes profiles until end is called.
func profiled(path string) (end func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		heap, err := os.Create(path + ".heap")
		if err != nil {
			return err
		}
		return errors.Join(cpu.Close(), pprof.Lookup("heap").WriteTo(heap, 0), heap.Close())
	}, nil
}

// peakRSS is the most memory that this process ever held, in bytes. What wait
// tells of a child includes its parent's.
func peakRSS() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
