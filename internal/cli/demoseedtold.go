package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// storyProgress is the progress of a command, indented.
type storyProgress struct{ svmProgress }

func (p storyProgress) StepActed(_ context.Context, e flow.Event) {
	_, _ = fmt.Fprintf(p.out, "    done    %-36s %s\n", inStory(e.Step), inStory(e.Why))
}

func (p storyProgress) StepFailed(_ context.Context, e flow.Event) {
	why := plainWhy(e.Why, e.Err)
	var said *seed.Error
	if errors.As(e.Err, &said) {
		_, message, _ := strings.Cut(said.Message, "is forbidden: ")
		why = "the API server says no: " + orElse(message, said.Message)
	}
	_, _ = fmt.Fprintf(p.out, "    FAILED  %-36s %s\n", inStory(e.Step), inStory(why))
}

func (storyProgress) Recovered(context.Context, flow.Escalation) {}

// inStory keeps a line of the story on a screen: the shoot by its own name, and
// of an error what was said in the end.
func inStory(why string) string {
	const limit = 160
	why = strings.ReplaceAll(strings.TrimPrefix(oneLine(why), "Next: "), seedShoot, "prod")
	if step, rest, failed := strings.Cut(why, ": act: "); failed {
		_, said, _ := strings.Cut(rest, "is forbidden: ")
		why = step + ": " + orElse(said, rest)
	}
	if len(why) > limit {
		return why[:limit] + "..."
	}
	return why
}

func (s *seedStory) told(ctx context.Context) error {
	s.title(4, "What was told")
	_, body, err := s.kube.do(ctx, http.MethodGet, "/api/v1/namespaces/"+svmNamespace+"/events", "", nil)
	if err != nil {
		return err
	}
	var list struct{ Items []storyEvent }
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("read the Events: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b storyEvent) int { return cmp.Compare(a.order(), b.order()) })
	s.say("Events on the SVM's record (kubectl get events --namespace %s), those about the password:", svmNamespace)
	shown := 0
	for _, e := range list.Items {
		if !strings.Contains(e.Message, "credentials") {
			continue
		}
		shown++
		s.say("    %-8s %-14s %s", e.Type, e.Reason, inStory(e.Message))
	}
	if shown == 0 {
		return errors.New("no Event tells of the refused Secret")
	}
	return s.counted()
}

// storyEvent is what the story shows of an Event.
type storyEvent struct {
	Metadata              struct{ ResourceVersion string }
	Type, Reason, Message string
}

// order is the time of an Event finer than its seconds: versions of one server
// grow.
func (e storyEvent) order() int {
	n, _ := strconv.Atoi(e.Metadata.ResourceVersion)
	return n
}

// counted shows the metrics of the refusal.
func (s *seedStory) counted() error {
	families, err := s.metrics.Gather()
	if err != nil {
		return fmt.Errorf("read the metrics: %w", err)
	}
	s.say("Metrics, on which the alerts of deploy/alerts stand:")
	shown := 0
	for _, f := range families {
		if name := f.GetName(); name != "seedproof_svm_step_failures_total" && name != "seedproof_svm_step_attempts_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			if text := strings.Join(labels, ","); strings.Contains(text, "pending") {
				shown++
				s.say("    %s{%s} %v", f.GetName(), text, m.GetCounter().GetValue())
			}
		}
	}
	if shown == 0 {
		return errors.New("no metric tells of the refused Secret")
	}
	return nil
}
