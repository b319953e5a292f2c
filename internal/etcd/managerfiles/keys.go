package managerfiles

import "strings"

// Keys and file names below the base. All are relative to the backup store.
const (
	ControlDir = "control/"
	SpecKey    = ControlDir + "etcd-cluster-spec"
	CreatedKey = ControlDir + "etcd-cluster-created"

	CommandFile = "_command.json"
	DataFile    = "etcd.backup.gz"
	MetaFile    = "_etcd_backup.meta"

	// ProofFile is Seedproof's own object beside the two of a backup. It must
	// never be called MetaFile, at any depth: etcd-manager would list it.
	ProofFile = "_seedproof.json"
)

// DataKey is where the snapshot of the backup lies.
func DataKey(name string) string { return name + "/" + DataFile }

// MetaKey is what makes the folder a backup. It is written last.
func MetaKey(name string) string { return name + "/" + MetaFile }

// ProofKey is Seedproof's own object of the backup.
func ProofKey(name string) string { return name + "/" + ProofFile }

// CommandKey is where a command is queued. etcd-manager names all commands of
// one second alike, so a second one overwrites the first.
func CommandKey(name string) string { return ControlDir + name + "/" + CommandFile }

// ListedAs says under which name etcd-manager lists a backup because of this
// key: any key at any depth that ends in MetaFile makes one, named after the
// folder right above it, whether there is data or not.
func ListedAs(key string) (name string, listed bool) {
	folder, found := strings.CutSuffix(key, "/"+MetaFile)
	if !found {
		return "", false
	}
	return folder[strings.LastIndexByte(folder, '/')+1:], true
}

// Split takes the key of a file in a folder at the top apart. It says no for
// keys at the base, for deeper ones, and for all under ControlDir.
func Split(key string) (folder, file string, ok bool) {
	folder, file, found := strings.Cut(key, "/")
	if !found || folder == "" || file == "" || strings.Contains(file, "/") {
		return "", "", false
	}
	return folder, file, folder+"/" != ControlDir
}
