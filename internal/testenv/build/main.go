// Command build builds the foreign programs that tests need before the tests
// run, so that no test's own time limit pays for a build, and prints where each
// is. Without arguments: all that `make test` uses.
package main

import (
	"fmt"
	"os"

	"github.com/seedproof/seedproof/internal/testenv"
)

func main() {
	names := os.Args[1:]
	if len(names) == 0 {
		names = []string{"versitygw", "minio", "etcd", "etcdctl", "etcdutl", "promtool", "kube-apiserver"}
	}
	for _, name := range names {
		path, err := testenv.FindOrBuild(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "build:", err)
			os.Exit(1)
		}
		fmt.Println(path)
	}
}
