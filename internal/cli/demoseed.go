package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/metrics"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// The names of the story.
const (
	seedShoot     = "shoot--team--prod"
	seedSecret    = "team-prod-credentials"
	seedQuota     = "no-more-secrets"
	seedSceneTime = time.Minute // a scene that takes longer has gone wrong
)

func newDemoSeedSecretCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "seed-secret",
		Short: "The missing seed secret: an SVM whose Secret was refused once",
		Long: "Starts a real kube-apiserver and a simulated ONTAP array on this machine, has an\n" +
			"SVM made whose Secret the API server refuses, and shows what the controller of the\n" +
			"incident took for granted and what Seedproof does. Less than 90 seconds; nothing is\n" +
			"left behind. A kube-apiserver is needed: `make servers` builds one.",
		Example: "  seedproof demo seed-secret",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runSeedStory(cmd.Context(), g.stdout) },
	}
}

func runSeedStory(ctx context.Context, w io.Writer) (err error) {
	program, err := findAPIServer()
	if err != nil {
		return withNext(err, "make servers   (builds it once, in some minutes), or put a kube-apiserver on the PATH or into $KUBEBUILDER_ASSETS")
	}
	dir, err := os.MkdirTemp("", "seedproof-demo-")
	if err != nil {
		return fmt.Errorf("make a directory to play in: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &seedStory{w: w, began: time.Now(), metrics: telemetry.NewRegistry()}
	s.counts = metrics.New(s.metrics, nil)
	s.say("The missing seed secret (metal-stack's gardener-extension-ontap), played here.\n" +
		"A project's volumes lie on a storage VM (SVM) of an ONTAP array. Its password lies in a\nSecret of the seed cluster; without it, no volume of the project can be attached.")
	s.say("The API server is real (%s), with an etcd of its own. The array is simulated.", program)
	if s.kube, err = startDemoKube(ctx, dir, program); err != nil {
		return err
	}
	defer s.kube.end()
	// Its NVMe service comes with the SVM, so that no scene is about waiting for it.
	if s.array, err = sim.New(sim.Options{Times: sim.Times{NVMe: -1}}); err != nil {
		return fmt.Errorf("start the simulated array: %w", err)
	}
	defer s.array.Close()
	return s.play(ctx)
}

// seedStory tells the second incident.
type seedStory struct {
	w     io.Writer
	began time.Time
	kube  *demoKube
	array *sim.Simulator
	want  svm.Wish
	seed  *seed.Store

	metrics *prometheus.Registry
	counts  flow.Observer
	broken  time.Time // when the Secret was refused
}

func (s *seedStory) play(ctx context.Context) error {
	s.want = seedWish()
	if err := s.want.Validate(); err != nil {
		return err
	}
	for _, scene := range []func(context.Context) error{s.stage, s.create, s.assume, s.heal, s.told, s.proven} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *seedStory) say(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format+"\n", args...) }

func (s *seedStory) title(n int, text string) {
	s.say("\n%d. %s\n%s", n, text, strings.Repeat("-", len(text)+3))
}

// seedWish is an ordinary SVM for one shoot.
func seedWish() svm.Wish {
	v := spec.StorageVM{
		APIVersion: spec.APIVersion, Kind: spec.Kind, Metadata: spec.Metadata{Name: "team"},
		Spec: spec.Spec{
			Garden: "garden", Project: "team",
			DataLIFs: []spec.Interface{
				{Address: netip.MustParseAddr("192.0.2.20"), Netmask: 24, BroadcastDomain: "Default"},
				{Address: netip.MustParseAddr("192.0.2.21"), Netmask: 24, BroadcastDomain: "Default"},
			},
			ManagementLIF: spec.Interface{Address: netip.MustParseAddr("192.0.2.10"), Netmask: 24, BroadcastDomain: "Default"},
			Routes:        []spec.Route{{Gateway: netip.MustParseAddr("192.0.2.1")}},
			Credentials:   []spec.Credentials{{Shoot: seedShoot, SecretName: seedSecret, SecretNamespace: seedShoot}},
		},
	}
	return svm.Wish{StorageVM: v.Default()}
}

// stage makes the namespaces, and a quota that allows no Secret.
func (s *seedStory) stage(ctx context.Context) error {
	for _, name := range []string{svmNamespace, seedShoot} {
		if err := s.kube.make(ctx, "/api/v1/namespaces", named(name)); err != nil {
			return err
		}
	}
	var err error
	s.seed, err = seed.New(seed.Options{
		Config:    &rest.Config{Host: s.kube.url, BearerToken: s.kube.token, TLSClientConfig: rest.TLSClientConfig{CAData: s.kube.ca}},
		Namespace: svmNamespace,
	})
	if err != nil {
		return err
	}
	return s.forbid(ctx)
}

// forbid sets a quota, and waits until the API server goes by it. Its status is
// a controller's to write, and none runs here.
func (s *seedStory) forbid(ctx context.Context) error {
	none := map[string]string{"secrets": "0"}
	quotas := "/api/v1/namespaces/" + seedShoot + "/resourcequotas"
	quota := named(seedQuota)
	quota["spec"] = map[string]any{"hard": none}
	if err := s.kube.make(ctx, quotas, quota); err != nil {
		return err
	}
	quota["status"] = map[string]any{"hard": none, "used": none}
	if err := s.kube.patch(ctx, quotas+"/"+seedQuota+"/status", quota); err != nil {
		return err
	}
	return s.untilSecrets(ctx, http.StatusForbidden)
}

// untilSecrets waits until a Secret that is tried, and not kept, is answered so.
func (s *seedStory) untilSecrets(ctx context.Context, status int) error {
	trial := named("trial")
	return s.until(ctx, "the quota", func() (bool, error) {
		got, _, err := s.kube.do(ctx, http.MethodPost, "/api/v1/namespaces/"+seedShoot+"/secrets?dryRun=All", "application/json", trial)
		return got == status, err
	})
}

// until polls a condition.
func (s *seedStory) until(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, seedSceneTime)
	defer cancel()
	for {
		met, err := is()
		if met {
			return nil
		}
		if waited := (flow.RealClock{}).Sleep(ctx, 50*time.Millisecond); waited != nil {
			return fmt.Errorf("waiting for %s: %w", what, errors.Join(waited, err))
		}
	}
}

// controller is a new instance of the flow: it remembers nothing.
func (s *seedStory) controller() (*svm.Reconciler, *ontap.Client, error) {
	c := s.array.Cluster(0)
	user, password := c.Credentials()
	client, err := ontap.New(ontap.Options{
		Name: c.Name(), URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()}, DialContext: s.array.DialContext,
	})
	if err != nil {
		return nil, nil, err
	}
	r, err := svm.New(svm.Options{
		Arrays: []look.Array{{Name: c.Name(), Client: client}}, Seed: s.seed, Observer: flow.Observers{storyProgress{svmProgress{s.w}}, s.counts},
		Backoff: flow.Backoff{Base: 200 * time.Millisecond}, // nobody wants to watch half a minute of trying
	})
	return r, client, err
}

// reconcile goes on until the result fits.
func (s *seedStory) reconcile(ctx context.Context, r *svm.Reconciler, fits func(svm.Result) bool) (res svm.Result, err error) {
	err = s.until(ctx, "the SVM", func() (bool, error) {
		res = r.Reconcile(ctx, s.want)
		return fits(res), errors.Join(res.LookErr, res.Err)
	})
	return res, err
}

func (s *seedStory) create(ctx context.Context) error {
	s.title(1, "A project asks for storage, and the API server refuses one Secret")
	s.say("The seed's namespace %s has a quota that is used up. (Any one failure does:\na webhook, a timeout, a conflict.) A controller makes the SVM:", seedShoot)
	r, client, err := s.controller()
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = s.reconcile(ctx, r, func(res svm.Result) bool {
		refused := slices.ContainsFunc(r.Escalations(), func(e flow.Escalation) bool { return strings.HasPrefix(e.Step, "credentials/") })
		if refused && s.broken.IsZero() {
			s.broken = time.Now()
		}
		return refused && !slices.ContainsFunc(res.Steps, func(st flow.StepResult) bool {
			return st.State != flow.StepDone && !strings.HasPrefix(st.Name, "credentials/")
		})
	})
	if err != nil {
		return err
	}
	if e := r.Escalations(); len(e) > 0 {
		s.say("It was not only logged. After some tries this waits for a person, as an Event and as a metric too:")
		why := strings.ReplaceAll(e[0].Why, " (type: "+e[0].Advice+")", "")
		s.say("    ! %s\n        type: %s", inStory(e[0].Step+": "+why), e[0].Advice)
	}
	return nil
}

func (s *seedStory) assume(ctx context.Context) error {
	s.title(2, "What the controller of the incident concluded at its next reconcile")
	s.say("(As the incident tells it; that controller does not run here.)")
	name := s.want.Spec.SVMName
	v, found := s.array.Dump().Find(name)
	if !found {
		return fmt.Errorf("SVM %s is not on the array", name)
	}
	ref := seed.SecretRef{Namespace: seedShoot, Name: seedSecret}
	secret := s.seed.Secret(ctx, ref)
	s.say("    %-42s %s\n    %-42s %s", "SVM "+name+" on the array:", v.State, "Secret "+seedSecret+" in the seed:", secret.Finding)
	if secret.Finding != proof.Absent {
		return fmt.Errorf("the Secret %s is %s; the story needs it to be absent", ref, secret.Finding)
	}
	s.say("\"The SVM is there, and the Secret is written when the SVM is made: so it is there too.\"\nIt read a Secret that was never written, failed, and failed again at every reconcile. The\nshoot never got its credentials. It took the presence of one thing for that of another.")
	s.say("Seedproof assumes nothing: SVM, record, account, Secret and login are looked at one by one.")
	return nil
}

func (s *seedStory) heal(ctx context.Context) error {
	s.title(3, "The quota is raised; what Seedproof does at its next reconcile")
	if err := s.kube.remove(ctx, "/api/v1/namespaces/"+seedShoot+"/resourcequotas/"+seedQuota); err != nil {
		return err
	}
	if err := s.untilSecrets(ctx, http.StatusCreated); err != nil {
		return err
	}
	s.say("By another instance of the controller, which remembers nothing:")
	r, client, err := s.controller()
	if err != nil {
		return err
	}
	defer client.Close()
	began := time.Now()
	res, err := s.reconcile(ctx, r, func(res svm.Result) bool { return res.AtRest || !res.Acted && len(r.Escalations()) > 0 })
	if err != nil {
		return err
	}
	if len(r.Escalations()) > 0 {
		return fmt.Errorf("it needs a person: %s", r.Escalations()[0].Why)
	}
	took := time.Since(began)
	before := len(s.array.Requests())
	if again := r.Reconcile(ctx, s.want); !again.AtRest || again.Acted {
		return errors.New("it does not rest")
	}
	changed := 0
	for _, q := range s.array.Requests()[before:] {
		if q.Method != http.MethodGet {
			changed++
		}
	}
	s.say("The new password was written beside the place that others read, then set, then proved by a\nlogin, and only then moved there. %d pass(es), %s. One more reconcile: %d changes.", res.Passes, took.Round(10*time.Millisecond), changed)
	if changed > 0 {
		return errors.New("a reconcile at rest changed something")
	}
	return nil
}

// proven logs in with what lies in the Secret, as a shoot would.
func (s *seedStory) proven(ctx context.Context) error {
	s.title(5, "The proof")
	_, client, err := s.controller()
	if err != nil {
		return err
	}
	defer client.Close()
	v, _ := s.array.Dump().Find(s.want.Spec.SVMName)
	secret := s.seed.Secret(ctx, seed.SecretRef{Namespace: seedShoot, Name: seedSecret})
	certificates, err := ontap.All(client.Certificates(ctx, v.UUID))
	if err != nil {
		return err
	}
	var trust ontap.Trust
	for _, c := range certificates {
		trust.Pins = append(trust.Pins, c.Pin)
	}
	login, err := client.Login(ctx, ontap.LoginCheck{
		Address: s.want.Spec.ManagementLIF.Address, Trust: trust, User: secret.Active.User, Password: secret.Active.Password, SVMUUIDs: []string{v.UUID},
	})
	if err != nil {
		return fmt.Errorf("log in with the pair of the Secret: %w", err)
	}
	s.say("    Secret %s/%s: user %s, generation %d, nothing pending: %t", seedShoot, seedSecret, secret.Active.User, secret.Active.Generation, secret.Pending.User == "")
	s.say("    A login with it at %s, verified by the SVM's own certificate: %s, by SVM %s.", s.want.Spec.ManagementLIF.Address, login.Finding, login.SVM.Name)
	if login.Finding != ontap.LoginAccepted || secret.Pending.User != "" {
		return errors.New("the story did not end as it should")
	}
	s.say("\nFrom the refusal to a proven pair: %s; the whole story: %s.", time.Since(s.broken).Round(100*time.Millisecond), time.Since(s.began).Round(100*time.Millisecond))
	s.say("No proof, no seed. What to type when it is real: docs/incidents/seed-secret.md")
	return nil
}

func named(name string) map[string]any {
	return map[string]any{"metadata": map[string]any{"name": name}}
}
