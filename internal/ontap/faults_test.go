package ontap_test

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// thing is one kind that is made, read and removed. Every step looks first.
type thing struct {
	name   string
	there  func(ctx context.Context, c *ontap.Client, svm string) (uuid string, is bool, err error)
	make   func(ctx context.Context, c *ontap.Client, svm string) error
	remove func(ctx context.Context, c *ontap.Client, svm, uuid string) error
}

func first[T any](found []T, err error, uuid func(T) string) (string, bool, error) {
	if err != nil || len(found) == 0 {
		return "", false, err
	}
	return uuid(found[0]), true, nil
}

func unless(err error, k ontap.Kind) (string, bool, error) {
	if ontap.IsAbsent(err, k) {
		return "", false, nil
	}
	return "", err == nil, err
}

var gateway = netip.MustParseAddr("192.0.2.254")

var things = []thing{
	{
		name: "svm",
		there: func(ctx context.Context, c *ontap.Client, _ string) (string, bool, error) {
			found, err := ontap.All(c.SVMs(ctx, ontap.SVMQuery{Names: []string{"new"}}))
			return first(found, err, func(s ontap.SVM) string { return s.UUID })
		},
		make: func(ctx context.Context, c *ontap.Client, _ string) error {
			_, err := c.CreateSVM(ctx, ontap.NewSVM{Name: "new"})
			return err
		},
		remove: func(ctx context.Context, c *ontap.Client, _, uuid string) error { return c.DeleteSVM(ctx, uuid) },
	},
	{
		name: "interface",
		there: func(ctx context.Context, c *ontap.Client, svm string) (string, bool, error) {
			found, err := ontap.All(c.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: svm, Names: []string{"datalif_0"}}))
			return first(found, err, func(i ontap.Interface) string { return i.UUID })
		},
		make: func(ctx context.Context, c *ontap.Client, svm string) error {
			_, err := c.CreateInterface(ctx, ontap.NewInterface{SVMUUID: svm, Name: "datalif_0", Address: netip.MustParseAddr("192.0.2.20"), Netmask: 24, BroadcastDomain: "Default"})
			return err
		},
		remove: func(ctx context.Context, c *ontap.Client, _, uuid string) error {
			no := false
			if err := c.ChangeInterface(ctx, uuid, ontap.InterfaceChange{Enabled: &no}); err != nil {
				return err
			}
			return c.DeleteInterface(ctx, uuid)
		},
	},
	{
		name: "route",
		there: func(ctx context.Context, c *ontap.Client, svm string) (string, bool, error) {
			found, err := ontap.All(c.Routes(ctx, svm))
			return first(found, err, func(r ontap.Route) string { return r.UUID })
		},
		make: func(ctx context.Context, c *ontap.Client, svm string) error {
			_, err := c.CreateRoute(ctx, ontap.NewRoute{SVMUUID: svm, Gateway: gateway})
			return err
		},
		remove: func(ctx context.Context, c *ontap.Client, _, uuid string) error { return c.DeleteRoute(ctx, uuid) },
	},
	{
		name: "account",
		there: func(ctx context.Context, c *ontap.Client, svm string) (string, bool, error) {
			_, err := c.Account(ctx, svm, "shoot")
			return unless(err, ontap.KindAccount)
		},
		make: func(ctx context.Context, c *ontap.Client, svm string) error {
			return c.CreateAccount(ctx, ontap.NewAccount{SVMUUID: svm, Name: "shoot", Password: ontap.NewSecret("pass1word2"), Comment: "a mark"})
		},
		remove: func(ctx context.Context, c *ontap.Client, svm, _ string) error {
			return c.DeleteAccount(ctx, svm, "shoot")
		},
	},
	{
		name: "service",
		there: func(ctx context.Context, c *ontap.Client, svm string) (string, bool, error) {
			_, err := c.Service(ctx, ontap.ProtocolNVMe, svm)
			return unless(err, ontap.KindService)
		},
		make: func(ctx context.Context, c *ontap.Client, svm string) error {
			return c.CreateService(ctx, ontap.ProtocolNVMe, svm)
		},
		remove: func(ctx context.Context, c *ontap.Client, svm, _ string) error {
			if err := c.EnableService(ctx, ontap.ProtocolNVMe, svm, false); err != nil {
				return err
			}
			return c.DeleteService(ctx, ontap.ProtocolNVMe, svm)
		},
	},
}

// life makes the thing unless it is there, reads it and removes it.
func (th thing) life(ctx context.Context, c *ontap.Client, svm string) error {
	_, is, err := th.there(ctx, c, svm)
	if err == nil && !is {
		err = th.make(ctx, c, svm)
	}
	if err != nil {
		return err
	}
	uuid, is, err := th.there(ctx, c, svm)
	if err != nil || !is {
		return err
	}
	return th.remove(ctx, c, svm, uuid)
}

// Each call of each life suffers each fault. What a client then says of the
// call, and what the array holds, must agree; and from whatever is left behind
// another client comes to rest.
func TestEveryCallFailsInEveryWay(t *testing.T) {
	total := 0
	for _, th := range things {
		t.Run(th.name, func(t *testing.T) {
			s := newArray(t)
			clean := clientOf(t, s, 0)
			svm := newSVM(t, clean, "p1")
			manage(t, clean, svm, managementIP)
			for _, mode := range fault.Modes {
				for k := 1; ; k++ {
					struck := th.suffer(t, s, svm, k, mode)
					if struck == nil {
						if k == 1 {
							t.Fatal("no call was struck")
						}
						total += k - 1
						break
					}
					if err := th.life(t.Context(), clean, svm); err != nil {
						t.Fatalf("%s at call %d (%s): it does not heal: %v", mode, k, struck, err)
					}
					if _, is, err := th.there(t.Context(), clean, svm); is || err != nil {
						t.Fatalf("%s at call %d (%s): something is left: %v", mode, k, struck, err)
					}
				}
			}
		})
	}
	t.Logf("%d calls struck", total)
}

// suffer lives a life of which the k-th call is struck, and gives that call,
// nil if there was none.
func (th thing) suffer(t *testing.T, s *sim.Simulator, svm string, k int, mode fault.Mode) *fault.Call {
	t.Helper()
	in := fault.NewInjector(k, mode)
	c := clientOf(t, s, 0, func(o *ontap.Options) { o.Faults = in })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- th.life(ctx, c, svm) }()
	var err error
	for ended := false; !ended; {
		select {
		case <-in.Dead():
			return in.Struck()
		case err = <-done:
			ended = true
		case <-time.After(time.Millisecond):
			if mode == fault.Hung && in.Struck() != nil {
				cancel() // the caller's deadline
			}
		}
	}
	struck := in.Struck()
	following := struck != nil && strings.HasPrefix(struck.Target, "/api/cluster/jobs/") && mode != fault.Hung // asked for again
	if (err == nil) != (struck == nil || following) {
		t.Fatalf("%s at call %d (%v): %v", mode, k, struck, err)
	}
	if err == nil {
		return struck
	}
	want := flow.Unknown
	if mode == fault.Refused {
		want = flow.Refused
	}
	if got := flow.OutcomeOf(err); got != want {
		t.Errorf("%s at call %d (%s): outcome %s: %v", mode, k, struck, got, err)
	}
	if following := strings.HasPrefix(struck.Target, "/api/cluster/jobs/"); following && asError(t, err).Job == "" {
		t.Errorf("%s at call %d (%s): the job is not named: %v", mode, k, struck, err)
	}
	for _, kind := range []ontap.Kind{ontap.KindSVM, ontap.KindInterface, ontap.KindRoute, ontap.KindAccount, ontap.KindService, ontap.KindJob} {
		if ontap.IsAbsent(err, kind) {
			t.Errorf("%s at call %d (%s): taken for an absence: %v", mode, k, struck, err)
		}
	}
	return struck
}

// The lives again, with each doubt about ONTAP the other way.
func TestEveryDoubtEitherWay(t *testing.T) {
	kind := reflect.TypeFor[sim.Doubts]()
	for i := range kind.NumField() {
		field := kind.Field(i)
		var doubts sim.Doubts
		switch v := reflect.ValueOf(&doubts).Elem().Field(i); v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int:
			v.SetInt(409409) // a code that nobody documented
		case reflect.String:
			continue // TestAnUnauthorizedUserInEveryForm
		default:
			t.Fatalf("doubt %s is a %s", field.Name, v.Kind())
		}
		t.Run(field.Name, func(t *testing.T) {
			s := newArray(t, func(o *sim.Options) { o.Doubts = doubts })
			c := clientOf(t, s, 0)
			svm := newSVM(t, c, "p1")
			for _, th := range things {
				if field.Name == "RootVolumeBlocksDelete" && th.name == "svm" {
					continue // deleting it is not the client's to arrange
				}
				for range 2 {
					if err := th.life(t.Context(), c, svm); err != nil {
						t.Errorf("%s: %v", th.name, err)
					}
				}
			}
		})
	}
}
