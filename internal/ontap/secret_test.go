package ontap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
)

func TestASecretCannotBePrinted(t *testing.T) {
	const password = "Tr0ub4dor"
	s := ontap.NewSecret(password)
	type hidden struct{ inner ontap.Secret }
	type shown struct{ Inner ontap.Secret }
	things := map[string]any{
		"itself": s, "a pointer": &s, "an exported field": shown{s}, "an unexported field": hidden{s}, "a pointer to one": &hidden{s},
		"a slice": []ontap.Secret{s}, "a map's key": map[ontap.Secret]int{s: 1}, "a map's value": map[string]ontap.Secret{"a": s},
		"an account": ontap.NewAccount{Name: "x", Password: s}, "a login": ontap.LoginCheck{User: "x", Password: s}, "options": ontap.Options{Password: s},
	}
	for where, v := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%T"} {
			out := fmt.Sprintf(verb, v)
			for _, leak := range []string{password, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password)} {
				if strings.Contains(out, leak) {
					t.Errorf("%s of %s shows the password: %s", verb, where, out)
				}
			}
		}
	}
	for where, v := range map[string]any{"a field": shown{s}, "a map's value": map[string]ontap.Secret{"a": s}, "a map's key": map[ontap.Secret]int{s: 1}} {
		if out, err := json.Marshal(v); err != nil || strings.Contains(string(out), password) || !strings.Contains(string(out), "redacted") {
			t.Errorf("marshalled as %s: %s, %v", where, out, err)
		}
	}
	if text, err := s.MarshalText(); err != nil || string(text) != s.String() {
		t.Errorf("as a text: %s, %v", text, err)
	}
	var buf bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&buf, nil), slog.NewJSONHandler(&buf, nil)} {
		slog.New(h).Info("made", "password", s, "in", shown{s}, "behind", &hidden{s}, "group", slog.GroupValue(slog.Any("p", s)))
	}
	if strings.Contains(buf.String(), password) {
		t.Errorf("logged: %s", &buf)
	}
	if s.Reveal() != password || s.IsEmpty() || !s.Equal(ontap.NewSecret(password)) || s.Equal(ontap.Secret{}) || !(ontap.Secret{}).IsEmpty() {
		t.Error("the password itself is not what was put in")
	}
}
