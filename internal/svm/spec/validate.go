package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Rules of names on an array. Which characters are allowed is not documented
// (facts 15): what is refused here might be taken by the array, never the other
// way round.
const (
	svmNameMax      = 47 // facts 2.2
	svmNameMaxMetro = 41 // of a sync-source, the default on a MetroCluster
	defaultIPspace  = "Default"
	minRotation     = time.Hour
)

var (
	svmNameForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]*$`)
	lifNameForm  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]{0,253}$`)
	arrayObject  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]{0,253}$`)
	arrayName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	kubeLabel    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	kubeName     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	volumesForm  = regexp.MustCompile(`^([1-9][0-9]{0,8}|unlimited)$`)
	reservedSVMs = []string{"all", "default", "cluster"} // the latter two are IPspaces
)

const (
	kubeNameMax   = 253
	markWords     = "want 1 to 40 of A-Z a-z 0-9 . _ -, the first a letter or digit"
	shootWords    = "want 1 to 30 of A-Z a-z 0-9 . _ -, the first a letter or digit"
	objectWords   = "want a name of A-Z a-z 0-9 . _ + -, as the array shows it"
	arrayWords    = "want 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit"
	kubeNameWords = "want a name of Kubernetes: at most 253 of a-z 0-9 - ., each part beginning and ending with a letter or digit"
)

// Validate says everything that is wrong with the object, each with its field,
// value and what is expected. It asks nobody: whether an address is in use or a
// broadcast domain exists is the plan's to find out. What was left out is taken
// as Default fills it in.
func (s StorageVM) Validate() error {
	s = s.Default()
	found := &problems{}
	s.checkHead(found)
	s.checkSVMName(found)
	s.checkPlace(found)
	s.checkLimits(found)
	s.checkProtocols(found)
	s.checkInterfaces(found)
	s.checkRoutes(found)
	s.checkCredentials(found)
	return found.err()
}

func (s StorageVM) checkHead(found *problems) {
	if s.APIVersion != APIVersion {
		found.value("apiVersion", s.APIVersion, "want %q", APIVersion)
	}
	if s.Kind != Kind {
		found.value("kind", s.Kind, "want %q", Kind)
	}
	if !isKubeName(s.Metadata.Name) {
		found.value("metadata.name", s.Metadata.Name, kubeNameWords)
	}
	if !markable(decide.Owner{Garden: s.Spec.Garden, Project: "p"}, "") {
		found.value("spec.garden", s.Spec.Garden, markWords)
	}
	if !markable(decide.Owner{Garden: "g", Project: s.Spec.Project}, "") {
		found.value("spec.project", s.Spec.Project, markWords)
	}
	if p := s.Spec.DeletionPolicy; p != decide.Retain && p != decide.Delete {
		found.value("spec.deletionPolicy", string(p), "want %s or %s", decide.Retain, decide.Delete)
	}
}

// markable asks the mark itself whether it can bear these names.
func markable(o decide.Owner, shoot string) bool {
	m := decide.Mark{Owner: o, Shoot: shoot, Attempt: 1, Nonce: strings.Repeat("0", 16)}
	return m.Validate() == nil
}

func isKubeName(name string) bool { return len(name) <= kubeNameMax && kubeName.MatchString(name) }

func (s StorageVM) checkSVMName(found *problems) {
	const field = "spec.svmName"
	name := s.Spec.SVMName
	head, _, _ := strings.Cut(name, ".")
	switch {
	case name == "" && s.Spec.Project == "": // said of the project
	case !svmNameForm.MatchString(name):
		found.value(field, name, "want A-Z a-z 0-9 . _ -, the first a letter or underscore")
	case len(name) > svmNameMax:
		found.value(field, name, "it has %d characters; at most %d are allowed, %d on a MetroCluster", len(name), svmNameMax, svmNameMaxMetro)
	case slices.Contains(reservedSVMs, strings.ToLower(name)):
		found.value(field, name, "the name is reserved by the array; choose another")
	case strings.HasSuffix(head, decide.TwinSuffix):
		found.value(field, name, "so a MetroCluster names the twin of another SVM; choose a name without %s at the end", decide.TwinSuffix)
	}
}

func (s StorageVM) checkPlace(found *problems) {
	sp := s.Spec
	checkNames(found, "spec.arrays", sp.Arrays, arrayName, arrayWords)
	checkNames(found, "spec.aggregates", sp.Aggregates, arrayObject, objectWords)
	switch {
	case sp.Array == "":
	case !arrayName.MatchString(sp.Array):
		found.value("spec.array", sp.Array, arrayWords)
	case len(sp.Arrays) > 0 && !slices.Contains(sp.Arrays, sp.Array):
		found.value("spec.array", sp.Array, "it is none of spec.arrays (%s)", strings.Join(sp.Arrays, ", "))
	}
	checkOptional(found, "spec.ipspace", sp.IPspace)
	if strings.EqualFold(sp.IPspace, "Cluster") {
		found.value("spec.ipspace", sp.IPspace, "it is the array's own; want that of data, as %s", defaultIPspace)
	}
	checkOptional(found, "spec.snapshotPolicy", sp.SnapshotPolicy)
}

func checkNames(found *problems, field string, names []string, form *regexp.Regexp, words string) {
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case !form.MatchString(name):
			found.value(at, name, "%s", words)
		case slices.Contains(names[:i], name):
			found.value(at, name, "it is there twice")
		}
	}
}

// checkOptional: a name of something on the array, or nothing.
func checkOptional(found *problems, field, name string) {
	if name != "" && !arrayObject.MatchString(name) {
		found.value(field, name, objectWords)
	}
}

func (s StorageVM) checkLimits(found *problems) {
	if n := s.Spec.MaxVolumes; n != "" && !volumesForm.MatchString(n) {
		found.value("spec.maxVolumes", n, `want a number from 1 to 999999999, or "unlimited"`)
	}
	if _, is := s.StorageLimitBytes(); !is && s.Spec.StorageLimit != "" {
		found.value("spec.storageLimit", s.Spec.StorageLimit, quantityWords+", above 0")
	}
}

func (s StorageVM) checkProtocols(found *problems) {
	words := s.Spec.Protocols
	for i, word := range words {
		at := fmt.Sprintf("spec.protocols[%d]", i)
		switch {
		case Protocol(word) == "":
			found.value(at, word, "want %s, %s or %s", NVMe, ISCSI, NFS)
		case slices.Contains(words[:i], word):
			found.value(at, word, "it is there twice")
		}
	}
	if slices.Contains(words, NVMe) && slices.Contains(words, ISCSI) {
		found.field("spec.protocols", "%s and %s are not to be had on one SVM (the array refuses iSCSI interfaces on an SVM for NVMe); want one of them", NVMe, ISCSI)
	}
}

// Warnings are what is allowed and likely to be a mistake, or to fail on some
// arrays.
func (s StorageVM) Warnings() []string {
	s = s.Default()
	var all []string
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if n := len(s.Spec.SVMName); n > svmNameMaxMetro && n <= svmNameMax {
		warn("spec.svmName %q: it has %d characters; a MetroCluster allows %d", s.Spec.SVMName, n, svmNameMaxMetro)
	}
	if slices.Contains(s.Spec.Protocols, NVMe) && slices.Contains(s.Spec.Protocols, NFS) {
		warn("spec.protocols: releases before 9.8 have no other protocol beside %s", NVMe)
	}
	if len(s.Spec.Credentials) == 0 {
		warn("spec.credentials: no shoot has credentials of this SVM")
	}
	for i, c := range s.Spec.Credentials {
		if r := c.Rotation; r.Every > 0 && r.Grace >= r.Every {
			warn("%s.rotation.grace %q: the old account is kept as long as until the next rotation, every %s, which waits for it", credentialsField(i), r.Grace, r.Every)
		}
	}
	return append(all, s.routeWarnings()...)
}
