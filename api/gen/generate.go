package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// generators are the tools of go.mod that are run, each on the whole request.
var generators = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

// generatedSuffix is how the name of every file that the generators make ends.
const generatedSuffix = ".pb.go"

// generate runs every generator and returns the files they made, by their path
// relative to the root of the request.
func generate(ctx context.Context, request *pluginpb.CodeGeneratorRequest) (map[string][]byte, error) {
	input, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	files := map[string][]byte{}
	for _, name := range generators {
		response, err := runGenerator(ctx, name, input)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", name, err)
		}
		for _, file := range response.File {
			if file.GetInsertionPoint() != "" {
				return nil, fmt.Errorf("run %s: %s: insertion points are not supported", name, file.GetName())
			}
			files[file.GetName()] = []byte(file.GetContent())
		}
	}
	return files, nil
}

// runGenerator speaks protoc's plugin protocol with one pinned tool: a request
// on its standard input, a response on its standard output.
func runGenerator(ctx context.Context, name string, input []byte) (*pluginpb.CodeGeneratorResponse, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", name)
	cmd.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(output, response); err != nil {
		return nil, fmt.Errorf("decode its answer: %w", err)
	}
	if response.Error != nil {
		return nil, errors.New(response.GetError())
	}
	return response, nil
}

// publish writes the files under root and removes generated ones that no
// .proto file stands for any more. A file that is as it should be is not
// touched, so that build caches stay warm.
func publish(root string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		target := filepath.Join(root, filepath.FromSlash(name))
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, files[name]) {
			continue
		}
		if err := os.WriteFile(target, files[name], 0o644); err != nil {
			return fmt.Errorf("write generated code: %w", err)
		}
		fmt.Println("wrote", target)
	}
	existing, err := filesWithSuffix(root, generatedSuffix)
	if err != nil {
		return err
	}
	for _, name := range existing {
		if _, wanted := files[name]; wanted {
			continue
		}
		target := filepath.Join(root, filepath.FromSlash(name))
		if err := os.Remove(target); err != nil {
			return fmt.Errorf("remove stale generated code: %w", err)
		}
		fmt.Println("removed", target)
	}
	return nil
}
