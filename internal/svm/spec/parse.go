package spec

import (
	"cmp"
	"io"
	"strings"
)

var storageVM = header{kind: Kind, numeric: []string{"spec.maxVolumes", "spec.storageLimit"}}

// Parse reads a file of StorageVMs, one a document, and fills in defaults. It
// is strict, and refuses a file in which two objects want the same name on the
// array, address or Secret. Every problem is named, with its document and
// field; then nothing is returned. What each object says is checked by Validate.
func Parse(r io.Reader) ([]StorageVM, error) {
	documents, err := readDocuments(r)
	if err != nil {
		return nil, err
	}
	all, found := make([]StorageVM, len(documents)), &problems{}
	for i, d := range documents {
		found.under(d.String(), storageVM.decode(d.text, &all[i]))
		all[i] = all[i].Default()
	}
	if found.none() {
		apart(documents, all, found)
	}
	if !found.none() {
		return nil, found.err()
	}
	return all, nil
}

// apart notes what two objects of a file both want.
func apart(documents []document, all []StorageVM, found *problems) {
	first := map[string]string{} // claim -> the document that makes it
	claim := func(d document, kind, field, value string) {
		if value == "" {
			return // missing: Validate says so
		}
		// Within one document Validate says it better.
		if by, taken := first[kind+"\x00"+value]; taken && by != d.String() {
			found.value(d.String()+": "+field, value, "%s has it, too; each StorageVM needs its own", by)
			return
		}
		first[kind+"\x00"+value] = d.String()
	}
	for i, s := range all {
		d, sp := documents[i], s.Spec
		claim(d, "object", "metadata.name", s.Metadata.Name)
		claim(d, "svm", "spec.svmName", sp.SVMName)
		for _, lif := range s.lifs() {
			if lif.Address.IsValid() {
				// An IPspace is an address space of its own.
				claim(d, "address in "+cmp.Or(sp.IPspace, defaultIPspace), lif.field+".address", lif.Address.String())
			}
		}
		for j, c := range sp.Credentials {
			claim(d, "secret", credentialsField(j)+".secretName", strings.Trim(c.SecretNamespace+"/"+c.SecretName, "/"))
		}
	}
}
