package seed

import (
	"fmt"
	"runtime/debug"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// LoadConfig reads how to reach the API server: the file that is named, else
// those of KUBECONFIG or ~/.kube/config, else the account of the pod. The
// context is the file's current one where none is named. The client does not
// throttle itself: the server's priority and fairness decides.
func LoadConfig(kubeconfigPath, contextName string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfigPath
	rules.WarnIfAllMissing = false
	overrides := &clientcmd.ConfigOverrides{CurrentContext: contextName}
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the configuration of the Kubernetes client: %w", err)
	}
	c.QPS, c.Burst = -1, 0
	c.UserAgent = "seedproof/" + version()
	return c, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
