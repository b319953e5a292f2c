package telemetry_test

import (
	"log/slog"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/telemetry"
	"github.com/seedproof/seedproof/internal/testenv/alerttest"
)

const alertsDir = "../../deploy/alerts"

func TestEtcdAlerts(t *testing.T) {
	reg := prometheus.NewRegistry()
	fill(telemetry.NewEtcdMetrics(reg, "c"))
	o := telemetry.NewFlowObserver(reg, slog.New(slog.DiscardHandler))
	o.StepFailed(t.Context(), flow.Event{Flow: "f", Step: "s"})
	o.Escalated(t.Context(), flow.Escalation{Flow: "f", Step: "s"})

	alerts := alerttest.Load(t, alertsDir, "seedproof-etcd.rules.yaml", "seedproof-etcd.test.yaml")
	t.Run("by promtool", alerts.Promtool)
	alerts.UseMetrics(t, alerttest.MetricNames(t, reg))
	alerts.SayWhatToDo(t, regexp.MustCompile(`seedproof etcd explain`))
	alerts.FireAndFallSilent(t)
}

func TestKopsAlerts(t *testing.T) {
	reg := prometheus.NewRegistry()
	fillKops(telemetry.NewKopsMetrics(reg, "s3://state", kopsWords))

	alerts := alerttest.Load(t, alertsDir, "seedproof-kops.rules.yaml", "seedproof-kops.test.yaml")
	t.Run("by promtool", alerts.Promtool)
	alerts.UseMetrics(t, alerttest.MetricNames(t, reg))
	alerts.SayWhatToDo(t, regexp.MustCompile(`seedproof kops check`))
	alerts.FireAndFallSilent(t)
}
