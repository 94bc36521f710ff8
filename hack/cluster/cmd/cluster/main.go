// Starts, looks after and ends Kubernetes clusters on this machine.
//
// The scripts in hack/cluster are the way to call it; usage below lists what
// it does. One process per cluster, the supervisor, is the parent of every
// component, and in node mode the first process of namespaces of the
// cluster's own, so that the kernel cleans up when it ends.
package main

import (
	"errors"
	"fmt"
	"os"
)

const usage = `usage: cluster COMMAND
  up [--name NAME] [--control-plane-only | --nodes fake[:N]] [--flag COMPONENT=FLAG]...
  down [--name NAME | --all]
  status [--name NAME]              every cluster, its mode and its components
  kubeconfig [--name NAME]          the path of the administrator's kubeconfig
  dir [--name NAME]                 the folder with the cluster's state and logs
  exec [--name NAME] [--] COMMAND…  run a command in the cluster's network
  user [--name NAME] USER GROUP…    a kubeconfig for a further user
  component [--name NAME] start|stop|restart|pause|continue COMPONENT
  image [--name NAME] [--entrypoint WORD]… [--user UID[:GID]] [--env K=V]… NAME:TAG FOLDER
  mode [--control-plane-only | --nodes fake[:N]]   the mode that up would choose here, and why
`

// errUsage says that the command line was not understood.
var errUsage = errors.New("usage")

func main() {
	if len(os.Args) < 2 {
		fail(errUsage)
	}
	commands := map[string]func([]string) error{
		"up": up, "down": down, "status": status, "kubeconfig": kubeconfig, "dir": dir, "exec": execute,
		"user": user, "component": component, "image": image, "mode": mode,
		"supervise": supervise, "dns": dns, "probe": probeInside, // these are called by the program itself
	}
	command, ok := commands[os.Args[1]]
	if !ok {
		fail(errUsage)
	}
	// Where runc, nft and containerd are, which not every user's PATH names.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	if err := command(os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	if errors.Is(err, errUsage) {
		if err != errUsage {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "cluster:", err)
	os.Exit(1)
}
