package ontap_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/ontap"
)

const clusterText = `{"uuid":"` + otherUUID + `","name":"c1","version":{"full":"NetApp Release 9.16.1","generation":9,"major":16,"minor":1}}`

// crowd counts how many requests are under way at once, and holds them until
// released.
type crowd struct {
	mu        sync.Mutex
	now, most int
	come      chan struct{}
	release   chan struct{}
}

func newCrowd() *crowd {
	return &crowd{come: make(chan struct{}, 1000), release: make(chan struct{})}
}

func (c *crowd) enter() {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	c.come <- struct{}{}
	<-c.release
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
}

func (c *crowd) wait(n int) {
	for range n {
		<-c.come
	}
}

func TestCallsAtOnceAreBounded(t *testing.T) {
	crowd := newCrowd()
	f := newFake(t, func(n int, r *http.Request) (int, string) {
		if n > 1 { // the first proves the password
			crowd.enter()
		}
		return 200, clusterText
	})
	c := f.client(t, func(o *ontap.Options) { o.Parallel = 3 })
	if _, err := c.Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Cluster(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	crowd.wait(3)
	close(crowd.release)
	wg.Wait()
	if crowd.most != 3 || len(f.requests()) != 21 {
		t.Errorf("%d at once, %d in all", crowd.most, len(f.requests()))
	}
}

func TestAtMostFiveSVMJobs(t *testing.T) {
	clock := flowtest.NewFakeClock()
	var mu sync.Mutex
	posts, ended := 0, false
	f := newFake(t, func(_ int, r *http.Request) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPost:
			posts++
			return 202, fmt.Sprintf(`{"job":{"uuid":"%08d-2222-3333-4444-555555555555"}}`, posts)
		case ended:
			return 200, fmt.Sprintf(`{"uuid":%q,"state":"success"}`, r.URL.Path[len("/api/cluster/jobs/"):])
		}
		return 200, fmt.Sprintf(`{"uuid":%q,"state":"running"}`, r.URL.Path[len("/api/cluster/jobs/"):])
	})
	c := f.client(t, func(o *ontap.Options) { o.Clock = clock })
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: fmt.Sprintf("p%d", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	clock.BlockUntil(5) // each of them follows its job
	mu.Lock()
	if posts != 5 {
		t.Errorf("%d SVM jobs at once", posts)
	}
	ended = true
	mu.Unlock()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		clock.Advance(2 * time.Second)
		select {
		case <-done:
			if posts != 8 {
				t.Errorf("%d SVMs were asked for", posts)
			}
			return
		default:
		}
	}
}

func TestAWrongPasswordDoesNotLockItsAccount(t *testing.T) {
	clock := flowtest.NewFakeClock()
	var mu sync.Mutex
	good := false
	f := newFake(t, func(int, *http.Request) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		if good {
			return 200, clusterText
		}
		return 401, errorText("6691623", "User is not authorized.")
	})
	c := f.client(t, func(o *ontap.Options) { o.Clock = clock })
	crowd := func(want error) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := c.Cluster(t.Context())
				if (err == nil) != (want == nil) || !errors.Is(err, want) {
					t.Errorf("%v", err)
				}
				if want != nil && flow.ClassOf(err) != flow.NeedsPerson {
					t.Errorf("class %s: %v", flow.ClassOf(err), err)
				}
			})
		}
		wg.Wait()
	}
	sent := func(want int, when string) {
		t.Helper()
		if n := len(f.requests()); n != want {
			t.Errorf("%s: %d requests sent, want %d", when, n, want)
		}
	}
	crowd(ontap.ErrCredentials)
	sent(1, "twenty callers with a wrong password")
	clock.Advance(59 * time.Minute)
	crowd(ontap.ErrCredentials)
	sent(1, "before the lock time has passed")
	clock.Advance(time.Minute)
	crowd(ontap.ErrCredentials)
	sent(2, "after it")
	clock.Advance(time.Hour)
	mu.Lock()
	good = true
	mu.Unlock()
	crowd(nil)
	sent(22, "with the password accepted again")
	mu.Lock()
	good = false
	mu.Unlock()
	crowd(ontap.ErrCredentials)
	if n := len(f.requests()) - 22; n > 4 {
		t.Errorf("a password that is wrong from now on was tried %d times; five lock the account", n)
	}
}

func TestSilenceDoesNotProveThePassword(t *testing.T) {
	answers := []string{"", errorText("262160", "too many requests"), errorText("8", "in use")}
	for _, body := range answers {
		crowd := newCrowd()
		f := newFake(t, func(n int, _ *http.Request) (int, string) {
			if n > 1 {
				crowd.enter()
			}
			return 503, body
		})
		c := f.client(t, func(o *ontap.Options) { o.MaxRetries = 0; o.Clock = flowtest.NewFakeClock() })
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { _ = c.DeleteInterface(t.Context(), svmUUID) })
		}
		crowd.wait(1)
		close(crowd.release)
		wg.Wait()
		if crowd.most != 1 {
			t.Errorf("after %q: %d calls at once with a password that nobody has accepted", body, crowd.most)
		}
	}
}
