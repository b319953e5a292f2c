package sim

import (
	"net/http"
	"strings"
)

// A role is a list of what it allows: "GET /path" or "ALL /path", where the path
// stands for itself and all below it.
var clusterRoles = map[string][]string{
	"admin":       {"ALL /"},
	"readonly":    {"GET /"},
	"backup":      {"GET /cluster", "GET /storage/volumes"},
	"autosupport": {"GET /cluster"},
	"snaplock":    {"GET /cluster"},
	"none":        {},
}

// watch is what every SVM administrator may look at.
var watch = []string{
	"GET /cluster", "GET /cluster/jobs", "GET /svm/svms", "GET /network/ip/interfaces", "GET /network/ip/routes",
	"GET /storage/volumes", "GET /storage/namespaces", "GET /protocols", "GET /security/certificates",
	"GET /security/accounts", "GET /snapmirror/relationships",
}

var svmRoles = map[string][]string{
	"vsadmin": with("ALL /storage/volumes", "ALL /storage/namespaces", "ALL /protocols",
		"POST /security/authentication/password", "POST /support/ems/application-logs"),
	"vsadmin-volume":   with("ALL /storage/volumes", "ALL /storage/namespaces", "ALL /protocols", "POST /security/authentication/password"),
	"vsadmin-protocol": with("ALL /protocols", "POST /security/authentication/password"),
	"vsadmin-backup":   with("POST /security/authentication/password"),
	"vsadmin-snaplock": with("ALL /storage/volumes", "POST /security/authentication/password"),
	"vsadmin-readonly": with("POST /security/authentication/password"),
}

func with(more ...string) []string { return append(more, watch...) }

// exact are paths whose rule does not extend to what lies below: an SVM's
// administrator reads the cluster's version, not its nodes.
var exact = map[string]bool{"/cluster": true}

func (s *Simulator) role(owner, name string) ([]string, bool) {
	if owner == "" {
		r, ok := clusterRoles[name]
		return r, ok
	}
	if r, ok := s.opts.Roles[name]; ok {
		return r, true
	}
	r, ok := svmRoles[name]
	return r, ok
}

// allows says whether a role may use a method on a path.
func allows(role []string, method, path string) bool {
	if method == http.MethodHead || method == http.MethodOptions {
		method = http.MethodGet
	}
	for _, rule := range role {
		verb, at, _ := strings.Cut(rule, " ")
		if verb != "ALL" && verb != method {
			continue
		}
		if at == "/" || path == at || !exact[at] && strings.HasPrefix(path, at+"/") {
			return true
		}
	}
	return false
}
