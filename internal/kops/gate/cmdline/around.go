package cmdline

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// The variables that kops reads.
const (
	StateVariable   = "KOPS_STATE_STORE"
	ClusterVariable = "KOPS_CLUSTER_NAME"
)

// Surroundings are what kops reads beside its arguments. Nil functions know
// nothing.
type Surroundings struct {
	// Home is the person's directory; "" if not known.
	Home string
	// Getenv gives a variable, "" if it is not set.
	Getenv func(name string) string
	// ReadFile reads a small file. An error that is not fs.ErrNotExist is never
	// taken for "not there".
	ReadFile func(path string) ([]byte, error)
}

func (s Surroundings) getenv(name string) string {
	if s.Getenv == nil {
		return ""
	}
	return s.Getenv(name)
}

// cluster is the one cluster that the line is about.
func (l *line) cluster(verb Verb, s Surroundings) (string, error) {
	named := l.last("name", "")
	if _, given := l.values["name"]; given && named == "" {
		return "", unclear("kops "+string(verb)+" --name CLUSTER", "--name is empty")
	}
	if named == "" && l.unsure {
		return "", unclear("kops "+string(verb)+" --name CLUSTER …", "it cannot be told which of the words is the cluster; name it with --name")
	}
	clusters := l.positionals
	if verb == DeleteInstance {
		clusters = nil // its word is an instance
		if len(l.positionals) > 1 {
			return "", unclear("kops delete instance INSTANCE --name CLUSTER", "kops deletes one instance at a time; here are %d words", len(l.positionals))
		}
	}
	if len(clusters) > 1 {
		return "", unclear("kops "+string(verb)+" --name CLUSTER", "kops takes one cluster; here are %d words: %.200q", len(clusters), clusters)
	}
	if named == "" {
		named = s.getenv(ClusterVariable)
	}
	if len(clusters) == 1 {
		if named != "" && named != clusters[0] {
			return "", unclear("kops "+string(verb)+" --name CLUSTER", "two clusters are named, %.80q and %.80q", clusters[0], named)
		}
		named = clusters[0]
	}
	if named == "" {
		return "", unclear("kops "+string(verb)+" --name CLUSTER", "no cluster is named, and kops would take that of kubectl's context, which may be another one by the time it looks")
	}
	return named, nil
}

// state is the URL of the state store, found where kops finds it and in its
// order: the flag, the variable, kops's own file.
func (l *line) state(verb Verb, s Surroundings) (string, error) {
	url := l.last("state", "")
	if url == "" {
		url = s.getenv(StateVariable)
	}
	if url == "" {
		var err error
		if url, err = s.configured(l.last("config", "")); err != nil {
			return "", unclear("kops "+string(verb)+" --state URL", "kops's own file, which may name the state store, %v", err)
		}
	}
	url = strings.TrimSuffix(url, "/")
	if url == "" {
		return "", unclear("kops "+string(verb)+" --state s3://BUCKET", "no state store is named: neither --state, nor $%s, nor ~/.kops.yaml", StateVariable)
	}
	return url, nil
}

// configured is the state store that kops's own file names; "" if none does.
func (s Surroundings) configured(path string) (string, error) {
	if s.ReadFile == nil {
		return "", nil
	}
	paths := []string{path}
	if path == "" {
		if s.Home == "" {
			return "", nil
		}
		paths = []string{filepath.Join(s.Home, ".kops.yaml"), filepath.Join(s.Home, ".kops", "config")}
	}
	for _, path := range paths {
		content, err := s.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", fmt.Errorf("cannot be read: %w", err)
		}
		return stateIn(content)
	}
	return "", nil
}

// stateIn finds the state store in the content of kops's own file. Its keys are
// in any case.
func stateIn(content []byte) (string, error) {
	keys := map[string]any{}
	if err := yaml.Unmarshal(content, &keys); err != nil {
		return "", errors.New("is not YAML")
	}
	for key, value := range keys {
		if !strings.EqualFold(key, StateVariable) {
			continue
		}
		url, is := value.(string)
		if !is {
			return "", fmt.Errorf("holds no text as %s", key)
		}
		return url, nil
	}
	return "", nil
}
