package seed

import (
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An API server says "no" by status 403 for two reasons that have nothing to do
// with each other, and with one reason in its Status: somebody lacks a right, or
// an admission plugin denies this very object. Its words tell them apart. They
// have been the same in all releases, and come before whatever a webhook, a
// policy or the name of a quota adds.

// rightMissing is how an authorizer's refusal begins.
var rightMissing = regexp.MustCompile(`^(\S+ ("[^"]*" )?is )?forbidden: User "([^"\\]|\\.)*" cannot \S+ (resource|path) "`)

// denied is how the denial of a webhook, or of an admission policy, begins.
var denied = regexp.MustCompile(`^(admission webhook "[^"]*" denied the request|(\S+ ("[^"]*" )?is forbidden: )?ValidatingAdmissionPolicy '[^']*' (with binding '[^']*' )?denied request)\b`)

// isRightMissing: no retry cures that. Whatever is not told so clearly may pass:
// a quota, a webhook, a namespace that is going.
func isRightMissing(said metav1.Status) bool { return rightMissing.MatchString(said.Message) }

func isDenied(said metav1.Status) bool { return denied.MatchString(said.Message) }

// askOf is what shows a person why an admission denied something.
func askOf(k key, said metav1.Status) string {
	switch {
	case k.namespace == "":
		return ""
	case strings.Contains(said.Message, "quota"):
		return "kubectl describe quota --namespace " + k.namespace
	case strings.HasPrefix(said.Message, "admission webhook "):
		return "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
	case isDenied(said):
		return "kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings"
	}
	return "kubectl get namespace " + k.namespace + " --output yaml"
}
