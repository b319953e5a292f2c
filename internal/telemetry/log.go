package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/flow"
)

// NewLogger writes lines of the format "text" or "json" to w. Each line of a
// pass bears its id under "pass". Attributes that are named like a secret are
// redacted, whatever they hold: the name guards against what was not yet given
// the type Secret.
func NewLogger(w io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	switch format {
	case "text":
		return slog.New(passHandler{slog.NewTextHandler(w, opts)}), nil
	case "json":
		return slog.New(passHandler{slog.NewJSONHandler(w, opts)}), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

// secretNames are what an attribute's name, in lower case and without "-", "_"
// and ".", ends with when its value is a secret.
var secretNames = []string{"password", "passphrase", "token", "secret", "keypem", "privatekey", "authorization"}

var plainName = strings.NewReplacer("-", "", "_", "", ".", "")

func isSecretName(name string) bool {
	name = plainName.Replace(strings.ToLower(name))
	return slices.ContainsFunc(secretNames, func(s string) bool { return strings.HasSuffix(name, s) })
}

func redact(groups []string, a slog.Attr) slog.Attr {
	if isSecretName(a.Key) || slices.ContainsFunc(groups, isSecretName) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Any().(type) {
	case Secret, *Secret, []Secret:
		return slog.String(a.Key, redacted)
	}
	return a
}

// passHandler adds the id of the pass that a line belongs to.
type passHandler struct{ slog.Handler }

// Handle adds the id and hands the line on.
func (h passHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := flow.PassID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("pass", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the wrapping.
func (h passHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return passHandler{h.Handler.WithAttrs(as)}
}

// WithGroup keeps the wrapping.
func (h passHandler) WithGroup(name string) slog.Handler {
	return passHandler{h.Handler.WithGroup(name)}
}
