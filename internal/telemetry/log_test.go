package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const hidden = "hunter2"

func TestASecretShowsNowhere(t *testing.T) {
	s := telemetry.Secret(hidden)
	type account struct {
		User     string
		Password telemetry.Secret
		Old      []telemetry.Secret
		Next     *telemetry.Secret
	}
	a := account{"admin", s, []telemetry.Secret{s}, &s}
	asJSON, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{
		s.String(), string(asJSON), fmt.Errorf("login with %q: %w", s, errors.New(fmt.Sprint(s))).Error(),
		fmt.Sprintf("%s %v %+v %#v %q %x %X %d %10s", s, s, s, s, s, s, s, s, s), fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprint(&a),
	}
	for _, line := range shown {
		if strings.Contains(line, hidden) || strings.Contains(line, fmt.Sprintf("%x", hidden)) {
			t.Errorf("the secret shows in %q", line)
		}
	}
	if s.Reveal() != hidden {
		t.Error("the secret is lost")
	}
}

func TestTheLogRedacts(t *testing.T) {
	type config struct{ Password telemetry.Secret }
	p := telemetry.Secret(hidden)
	cases := []struct {
		reason string
		attr   slog.Attr
		shown  bool
	}{
		{"an ordinary value", slog.String("user", hidden), true},
		{"a name that only resembles one", slog.String("secretary", hidden), true},
		{"by the name", slog.String("password", hidden), false},
		{"by the name, in capitals", slog.String("Password", hidden), false},
		{"by the end of the name", slog.String("s3_session_token", hidden), false},
		{"client secret", slog.String("clientSecret", hidden), false},
		{"a private key", slog.String("key-pem", hidden), false},
		{"a private key, otherwise spelt", slog.String("KEY_PEM", hidden), false},
		{"a name in a group", slog.Group("login", slog.String("password", hidden)), false},
		{"a group that is a secret", slog.Group("secret", slog.String("value", hidden)), false},
		{"bytes under such a name", slog.Any("token", []byte(hidden)), false},
		{"by the type", slog.Any("key", p), false},
		{"by the type, behind a pointer", slog.Any("key", &p), false},
		{"by the type, in a list", slog.Any("keys", []telemetry.Secret{p}), false},
		{"by the type, in a struct", slog.Any("config", config{p}), false},
		{"by the type, in an error", slog.Any("err", fmt.Errorf("login as %s", p)), false},
	}
	for _, format := range []string{"text", "json"} {
		for _, c := range cases {
			var b bytes.Buffer
			log, err := telemetry.NewLogger(&b, format, slog.LevelInfo)
			if err != nil {
				t.Fatal(err)
			}
			log.With(c.attr).WithGroup("g").Info("said", c.attr)
			if got := strings.Contains(b.String(), hidden); got != c.shown {
				t.Errorf("%s, %s: shown %v: %s", format, c.reason, got, b.String())
			}
			if !c.shown && !strings.Contains(b.String(), "[redacted]") {
				t.Errorf("%s, %s: not said that something was redacted: %s", format, c.reason, b.String())
			}
		}
	}
}

func TestLinesBearThePassAndTheLevelHolds(t *testing.T) {
	var b bytes.Buffer
	log, err := telemetry.NewLogger(&b, "json", slog.LevelWarn)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("too low")
	log.With("a", 1).WarnContext(flow.WithPassID(t.Context(), "p1"), "heard")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("%v in %q", err, b.String())
	}
	if line["pass"] != "p1" || line["msg"] != "heard" || line["a"] != 1.0 {
		t.Errorf("got %v", line)
	}
	if _, err := telemetry.NewLogger(&b, "xml", 0); err == nil {
		t.Error("an unknown format was taken")
	}
}
