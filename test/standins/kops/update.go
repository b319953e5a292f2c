package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// cluster is as much of a Cluster as is needed.
type cluster struct {
	Spec struct {
		KubernetesVersion string `json:"kubernetesVersion"`
		EtcdClusters      []struct {
			Name        string `json:"name"`
			EtcdMembers []any  `json:"etcdMembers"`
			Version     string `json:"version"`
		} `json:"etcdClusters"`
	} `json:"spec"`
}

// spec is what kops writes, with its encoder: one space behind a colon.
type spec struct {
	MemberCount int    `json:"memberCount"`
	EtcdVersion string `json:"etcdVersion"`
}

// defaultVersion is what kops 1.36 takes where the config leaves it open.
func defaultVersion(kubernetes string) string {
	var minor int
	_, _ = fmt.Sscanf(strings.TrimPrefix(kubernetes, "v"), "1.%d", &minor) // 0 is old
	switch {
	case minor < 34:
		return "3.5.31"
	case minor < 37:
		return "3.6.12"
	}
	return "3.7.0"
}

// update is a kops update of the cluster whose folder this is. It reads the
// spec and nothing else of etcd-manager's: not the marker, no backup.
func update(folder string, dryRun bool, out io.Writer) error {
	config, err := os.ReadFile(filepath.Join(folder, "config"))
	if err != nil {
		return fmt.Errorf("cluster %q not found", filepath.Base(folder))
	}
	var c cluster
	if err := yaml.Unmarshal(config, &c); err != nil {
		return fmt.Errorf("error reading cluster configuration: %w", err)
	}
	var create, modify bytes.Buffer
	for _, etcd := range c.Spec.EtcdClusters {
		want := spec{MemberCount: len(etcd.EtcdMembers), EtcdVersion: etcd.Version}
		if want.EtcdVersion == "" {
			want.EtcdVersion = defaultVersion(c.Spec.KubernetesVersion)
		}
		content, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			return err
		}
		path := filepath.Join(folder, "backups/etcd", etcd.Name, "control/etcd-cluster-spec")
		now, err := os.ReadFile(path)
		list := &modify
		switch {
		case errors.Is(err, fs.ErrNotExist):
			list = &create
		case err != nil:
			return fmt.Errorf("error reading %s: %w", path, err)
		case bytes.Equal(now, content):
			continue
		}
		fmt.Fprintf(list, "  ManagedFile/etcd-cluster-spec-%s\n  \tBase                \t%s\n  \tLocation            \tcontrol/etcd-cluster-spec\n\n", etcd.Name, filepath.Dir(filepath.Dir(path)))
		if dryRun {
			continue
		}
		if err := write(path, content); err != nil {
			return err
		}
	}
	if dryRun {
		show(out, create.String(), modify.String())
		return nil
	}
	fmt.Fprintln(out, "Cluster changes have been applied to the cloud.")
	return nil
}

// show is what a dry run prints; its exit code is 0 either way.
func show(out io.Writer, create, modify string) {
	if create != "" {
		fmt.Fprintf(out, "Will create resources:\n%s", create)
	}
	if modify != "" {
		fmt.Fprintf(out, "Will modify resources:\n%s", modify)
	}
	if create+modify == "" {
		fmt.Fprintln(out, "No changes need to be applied")
		return
	}
	fmt.Fprintln(out, "Must specify --yes to apply changes")
}

// write is kops's on a file store: a temporary file and a rename.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
