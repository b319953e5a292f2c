package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

func credentialsField(i int) string { return fmt.Sprintf("spec.credentials[%d]", i) }

func (s StorageVM) checkCredentials(found *problems) {
	if s.Spec.Credentials == nil {
		found.field("spec.credentials", "missing; want a list, [] where no shoot uses the SVM")
	}
	taken := map[string]string{} // claim -> the field that makes it
	claim := func(field, kind, value string) {
		if other, is := taken[kind+value]; is {
			found.value(field, value, "%s has that %s; each shoot needs its own", other, kind)
			return
		}
		taken[kind+value] = field
	}
	for i, c := range s.Spec.Credentials {
		field := credentialsField(i)
		c.check(found, field)
		if c.SecretName != "" {
			claim(field+".secretName", "Secret", c.SecretNamespace+"/"+c.SecretName)
		}
		if c.Shoot == "" {
			continue
		}
		if slices.ContainsFunc(s.Spec.Credentials[:i], func(o Credentials) bool { return o.Shoot == c.Shoot }) {
			found.value(field+".shoot", c.Shoot, "it is there twice")
			continue
		}
		for _, account := range c.Users() {
			claim(field+".shoot", "account", strings.ToLower(account))
		}
	}
}

func (c Credentials) check(found *problems, field string) {
	if !markable(decide.Owner{Garden: "g", Project: "p"}, c.Shoot) || c.Shoot == "" {
		found.value(field+".shoot", c.Shoot, shootWords)
	} else {
		c.checkAccount(found, field+".shoot")
	}
	if !isKubeName(c.SecretName) {
		found.value(field+".secretName", c.SecretName, kubeNameWords)
	}
	if !kubeLabel.MatchString(c.SecretNamespace) {
		found.value(field+".secretNamespace", c.SecretNamespace, "want a namespace of Kubernetes: at most 63 of a-z 0-9 -, beginning and ending with a letter or digit")
	}
	if every := time.Duration(c.Rotation.Every); every != 0 && every < minRotation {
		found.value(field+".rotation.every", c.Rotation.Every.String(), "want %s or more, or nothing for rotation only when it is asked for", Duration(minRotation))
	}
	if c.Rotation.Grace < 0 {
		found.value(field+".rotation.grace", c.Rotation.Grace.String(), "want a duration above 0")
	}
}

// checkAccount holds the account's name against the array's rules.
func (c Credentials) checkAccount(found *problems, field string) {
	for _, account := range c.Users() {
		switch {
		case slices.Contains(reservedAccounts, strings.ToLower(account)):
			found.value(field, c.Shoot, "its account would be %q, which is reserved by the array; want another name", account)
		case len(account) < accountMin || len(account) > accountMax:
			found.value(field, c.Shoot, "its account would be %q; the array wants %d to %d characters", account, accountMin, accountMax)
			return
		case !accountForm.MatchString(account):
			found.value(field, c.Shoot, "its account would be %q; want A-Z a-z 0-9 . _ -, the first no dash", account)
			return
		}
	}
}
