package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const pingProto = `syntax = "proto3";
package ping.v1;
import "google/protobuf/timestamp.proto";
import "shared/v1/shared.proto";
option go_package = "example.test/ping/v1;pingv1";
// Ping asks whether somebody is there.
message Ping { google.protobuf.Timestamp sent = 1; shared.v1.Name name = 2; }
service Pinger { rpc Do(Ping) returns (Ping); }
`

const sharedProto = `syntax = "proto3";
package shared.v1;
option go_package = "example.test/shared/v1;sharedv1";
message Name { string text = 1; }
`

func writeFile(t *testing.T, root, name, content string) {
	t.Helper()
	target := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, root string) string {
	t.Helper()
	names, err := filesWithSuffix(root, generatedSuffix)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestGeneratesBesideTheSources(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "ping/v1/ping.proto", pingProto)
	writeFile(t, root, "shared/v1/shared.proto", sharedProto)
	writeFile(t, root, "gone/v1/gone.pb.go", "package gonev1\n")
	if err := run(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	want := "ping/v1/ping.pb.go ping/v1/ping_grpc.pb.go shared/v1/shared.pb.go"
	if got := list(t, root); got != want {
		t.Fatalf("generated %q, want %q (the file whose source is gone removed)", got, want)
	}
	code, err := os.ReadFile(filepath.Join(root, "ping/v1/ping.pb.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(code), "// Ping asks whether somebody is there.") {
		t.Error("the comments of the source are not in the code")
	}
}

func TestRunAgainTouchesNothing(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "shared/v1/shared.proto", sharedProto)
	target := filepath.Join(root, "shared/v1/shared.pb.go")
	if err := run(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	longAgo := time.Unix(1_000_000_000, 0)
	if err := os.Chtimes(target, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	if !after.ModTime().Equal(longAgo) {
		t.Error("an unchanged file was written again")
	}
}

func TestRefusesAndWritesNothing(t *testing.T) {
	tests := []struct {
		reason, content, want string
	}{
		{"a syntax error names file and line", "syntax = \"proto3\";\nmessage {\n", "bad.proto:2"},
		{"an import that is not there is an error", "syntax = \"proto3\";\nimport \"no/such.proto\";\n", "no/such.proto"},
		{"a file that does not say its Go package is refused by the generator", "syntax = \"proto3\";\nmessage A {}\n", "go_package"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			root := t.TempDir()
			writeFile(t, root, "bad.proto", tt.content)
			writeFile(t, root, "shared/v1/shared.proto", sharedProto)
			err := run(t.Context(), root)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one that names %q", err, tt.want)
			}
			if got := list(t, root); got != "" {
				t.Errorf("wrote %s although the sources do not compile", got)
			}
		})
	}
}

func TestNoSourcesIsAnError(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "kept.pb.go", "package kept\n")
	if err := run(t.Context(), root); err == nil {
		t.Fatal("a folder without sources was taken for one whose code is to be removed")
	}
	if got := list(t, root); got != "kept.pb.go" {
		t.Errorf("left %q, want the file kept", got)
	}
}
