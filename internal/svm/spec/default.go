package spec

import (
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The words for protocols in the object.
const (
	NVMe  = "nvme"
	ISCSI = "iscsi"
	NFS   = "nfs"
)

// What is taken where the object says nothing. The names of interfaces are those
// that an installation of metal-stack's extension has (facts 17).
const (
	dataLIFName       = "datalif+" // and the place in the list
	managementLIFName = "managementlif"
	defaultGrace      = 24 * time.Hour
	managementPolicy  = ontap.PolicyManagement
)

// dataPolicyOf are the service policies of data interfaces (facts 5.2).
var dataPolicyOf = map[string]string{
	NVMe: ontap.PolicyDataNVMeTCP, ISCSI: "default-data-iscsi", NFS: "default-data-files",
}

// SVMNameOf is the name of a project's SVM by the project rule (facts 17): "p"
// and the project without dashes.
func SVMNameOf(project string) string { return "p" + strings.ReplaceAll(project, "-", "") }

// Default fills in what was left out. What was said is never changed, and what
// is filled in depends on the object alone. The lists are copies: the object
// that was given stays as it is.
func (s StorageVM) Default() StorageVM {
	sp := s.Spec
	if sp.SVMName == "" && sp.Project != "" {
		sp.SVMName = SVMNameOf(sp.Project)
	}
	if len(sp.Protocols) == 0 {
		sp.Protocols = []string{NVMe}
	}
	sp.DataLIFs = defaultDataLIFs(sp)
	orSet(&sp.ManagementLIF.Name, managementLIFName)
	orSet(&sp.ManagementLIF.ServicePolicy, managementPolicy)
	if sp.DeletionPolicy == "" {
		sp.DeletionPolicy = decide.Retain
	}
	sp.Credentials = defaultCredentials(sp.Credentials)
	s.Spec = sp
	return s
}

// NameByPlace is the name of a data interface by its place in the list, from 0.
func NameByPlace(place int) string { return dataLIFName + strconv.Itoa(place) }

// NamedByPlace reports whether a name may be by the place in a list. It does not
// identify the interface: its address does (see package look).
func (i Interface) NamedByPlace() bool {
	digits, is := strings.CutPrefix(i.Name, dataLIFName)
	place, err := strconv.Atoi(digits)
	return is && err == nil && place >= 0 && NameByPlace(place) == i.Name
}

// defaultDataLIFs names the interfaces by their place in the list. One of a
// subnet has no address to be known by, and gets no name where there are others:
// its place would be all that identifies it. The policy follows from the
// protocol, where there is one only: which of two a LIF is for cannot be guessed.
func defaultDataLIFs(sp Spec) []Interface {
	lifs := append([]Interface(nil), sp.DataLIFs...)
	for i := range lifs {
		if lifs[i].Subnet == "" || len(lifs) == 1 {
			orSet(&lifs[i].Name, NameByPlace(i))
		}
		if len(sp.Protocols) == 1 {
			orSet(&lifs[i].ServicePolicy, dataPolicyOf[sp.Protocols[0]])
		}
	}
	return lifs
}

func defaultCredentials(given []Credentials) []Credentials {
	if given == nil {
		return nil // "none" must be said with an empty list
	}
	all := append([]Credentials{}, given...)
	for i := range all {
		if all[i].Rotation.Grace == 0 {
			all[i].Rotation.Grace = Duration(defaultGrace)
		}
	}
	return all
}

func orSet(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
