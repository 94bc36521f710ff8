package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// upOptions is what the command line of up asks for.
type upOptions struct {
	name      string
	mode      string // "" as good as this machine can
	fakeNodes int
	flags     map[string][]string

	// What hack/cluster/up has found out and built, handed over in the environment.
	chosenMode, kubernetes, kwok string
}

func parseUp(args []string) (*upOptions, error) {
	name, args, err := nameFlag(args)
	if err != nil {
		return nil, err
	}
	o := &upOptions{name: name, fakeNodes: 1, flags: map[string][]string{},
		chosenMode: os.Getenv("FORMATION_MODE"),
		kubernetes: os.Getenv("FORMATION_KUBERNETES"),
		kwok:       os.Getenv("FORMATION_KWOK")}
	for len(args) > 0 {
		if args[0] == "--control-plane-only" {
			o.mode, args = modeControlPlane, args[1:]
		} else if value, rest, ok := flagValue(args, "--name"); ok {
			if o.name, _, err = nameFlag([]string{"--name", value}); err != nil {
				return nil, err
			}
			args = rest
		} else if value, rest, ok := flagValue(args, "--nodes"); ok {
			kind, count, counted := strings.Cut(value, ":")
			if counted {
				if _, err := fmt.Sscanf(count, "%d", &o.fakeNodes); err != nil || o.fakeNodes < 1 {
					return nil, fmt.Errorf("%w: --nodes fake:N needs a count, not %q", errUsage, count)
				}
			}
			if kind != "fake" {
				return nil, fmt.Errorf("%w: --nodes is fake or fake:N, not %q", errUsage, value)
			}
			o.mode, args = modeFake, rest
		} else if value, rest, ok := flagValue(args, "--flag"); ok {
			component, flag, ok := strings.Cut(value, "=")
			if !ok || !strings.HasPrefix(flag, "-") {
				return nil, fmt.Errorf("%w: --flag is COMPONENT=--its-flag[=VALUE], not %q", errUsage, value)
			}
			o.flags[component] = append(o.flags[component], flag)
			args = rest
		} else {
			return nil, fmt.Errorf("%w: up does not know %q", errUsage, args[0])
		}
	}
	return o, nil
}

// mode is the command `cluster mode`: prints the mode that up would choose with the same arguments.
func mode(args []string) error {
	o, err := parseUp(args)
	if err != nil {
		return err
	}
	if c, err := loadUp(o.name); err == nil {
		fmt.Println(c.Mode)
		return nil
	}
	if o.mode == "" {
		o.mode = modeNode
		if err := probe(); err != nil {
			fmt.Fprintf(os.Stderr, "No real node can be made on this machine: %v.\n", err)
			o.mode = modeFake
		}
	}
	fmt.Println(o.mode)
	return nil
}

// up is the command `cluster up`.
func up(args []string) error {
	o, err := parseUp(args)
	if err != nil {
		return err
	}
	dir, held, err := lockCluster(o.name)
	if err != nil {
		return err
	}
	defer held.Close()
	if socket := filepath.Join(dir, "run", "containerd.sock.ttrpc"); len(socket) > 107 {
		return fmt.Errorf("%s is too long for the path of a socket: set FORMATION_CLUSTER_DIR to a shorter one", socket)
	}
	c, err := load(o.name)
	if err == nil && c.alive() {
		if o.mode != "" && o.mode != c.Mode {
			return fmt.Errorf("cluster %s is up with mode %s, not %s: take it down first", c.Name, c.Mode, o.mode)
		}
	} else {
		if err == nil {
			say("Clearing away what is left of a cluster that ended")
			if err := errors.Join(c.end(), empty(dir)); err != nil {
				return err
			}
		} else if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			return errors.Join(fmt.Errorf("%s is there and is not a cluster's folder", dir), err)
		}
		if c, err = newCluster(o, dir); err != nil {
			empty(dir)
			os.Remove(dir)
			os.Remove(baseDir()) // fails when there are other clusters
			return err
		}
		if err := c.startSupervisor(); err != nil {
			return errors.Join(err, c.end())
		}
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	result := make(chan error, 1)
	go func() { result <- c.startAll() }()
	select {
	case err = <-result:
	case <-interrupted:
		err = errors.New("interrupted")
	}
	if err != nil {
		c.end()
		return fmt.Errorf("cluster %s did not start: %w\nIts logs are in %s until it is taken down or started again", c.Name, err, c.path("logs"))
	}
	say("Cluster %s is up, mode %s; logs in %s", c.Name, c.Mode, c.path("logs"))
	switch c.Mode {
	case modeFake:
		say("No container runs: pods only seem to. Logs, exec, requests through Services, restarts and resizes cannot be shown.")
	case modeControlPlane:
		say("There is no node: pods stay Pending.")
	}
	fmt.Println(c.path("kubeconfig"))
	return nil
}

// newCluster decides everything about a new cluster and writes the files it starts from.
func newCluster(o *upOptions, dir string) (*Cluster, error) {
	mode := o.mode
	if mode == "" {
		mode = o.chosenMode
	}
	if mode == "" || o.kubernetes == "" || mode == modeFake && o.kwok == "" {
		return nil, errors.New("call hack/cluster/up, which decides on the mode and builds what it needs")
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Name: o.name, Dir: dir, Mode: mode, Kubernetes: o.kubernetes, Kwok: o.kwok,
		FakeNodes: o.fakeNodes, Flags: map[string][]string{}}
	for name, flags := range o.flags {
		p, err := c.part(name)
		if err != nil {
			return nil, fmt.Errorf("--flag: %w", err)
		}
		c.Flags[p.name] = append(c.Flags[p.name], flags...)
	}
	if err := c.save(); err != nil {
		return nil, err
	}
	for _, sub := range []string{"components", "logs", "logs/pods", "pki", "run"} {
		if err := os.MkdirAll(c.path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	if err := c.takePorts(); err != nil {
		return nil, err
	}
	if c.Mode == modeNode {
		if err := c.prepareNode(); err != nil {
			return nil, err
		}
	}
	if err := makePKI(c); err != nil {
		return nil, err
	}
	if err := c.writeConfigs(); err != nil {
		return nil, err
	}
	return c, c.save()
}

// startSupervisor starts the cluster's supervisor and returns when it answers.
func (c *Cluster) startSupervisor() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	output, err := os.OpenFile(c.path("logs", "supervisor.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	ready, readyEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	command := exec.Command(self, "supervise", c.Dir)
	command.Dir = c.Dir
	command.Stdout, command.Stderr = output, output
	command.ExtraFiles = []*os.File{readyEnd}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.Mode == modeNode {
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", c.Ports.APIServer))
		if err != nil {
			return err
		}
		defer listener.Close()
		file, err := listener.(*net.TCPListener).File()
		if err != nil {
			return err
		}
		defer file.Close()
		command.ExtraFiles = append(command.ExtraFiles, file)
		command.SysProcAttr.Cloneflags = nodeNamespaces
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	readyEnd.Close()
	pid := fmt.Sprintf("%d\n", command.Process.Pid)
	if err := os.WriteFile(c.path("supervisor.pid"), []byte(pid), 0o600); err != nil {
		return errors.Join(err, command.Process.Kill())
	}
	if answer, _ := io.ReadAll(ready); string(answer) != "ok\n" {
		command.Wait()
		log, _ := os.ReadFile(c.path("logs", "supervisor.log"))
		return fmt.Errorf("the supervisor ended: %s", strings.TrimSpace(string(log)))
	}
	go command.Wait() // so that it does not stay a zombie while this process lives
	return nil
}

// startAll starts every component that does not run, stage by stage, and waits until the cluster can be used.
func (c *Cluster) startAll() error {
	running, err := c.running()
	if err != nil {
		return err
	}
	for _, stage := range c.stages() {
		stage = slices.DeleteFunc(stage, func(p part) bool { return slices.Contains(running, p.name) })
		if len(stage) == 0 {
			continue
		}
		var names []string
		results := make(chan error, len(stage))
		for _, p := range stage {
			names = append(names, p.name)
			go func() {
				_, err := c.ask("start " + p.name)
				results <- err
			}()
		}
		say("Starting %s", strings.Join(names, ", "))
		var failed error
		for range stage {
			failed = errors.Join(failed, <-results)
		}
		if failed != nil {
			return failed
		}
		if slices.Contains(names, "containerd") {
			if err := c.importPauseImage(); err != nil {
				return err
			}
		}
	}
	if err := c.waitObject("/api/v1/namespaces/default/serviceaccounts/default", anyObject); err != nil {
		return err
	}
	if c.Mode == modeControlPlane {
		return nil
	}
	if c.Mode == modeFake {
		if err := c.makeFakeNodes(); err != nil {
			return err
		}
	}
	for _, node := range c.nodes() {
		if err := c.waitObject("/api/v1/nodes/"+node, nodeReady); err != nil {
			return err
		}
	}
	return nil
}

// nodes lists the names of the cluster's nodes.
func (c *Cluster) nodes() []string {
	if c.Mode == modeNode {
		return []string{nodeName}
	}
	var nodes []string
	for i := 1; i <= c.FakeNodes; i++ {
		nodes = append(nodes, fmt.Sprintf("node%d", i))
	}
	return nodes
}

// makeFakeNodes creates the node objects that kwok keeps ready.
func (c *Cluster) makeFakeNodes() error {
	client := healthClient(c)
	for _, node := range c.nodes() {
		body := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": %q,
			"labels": {"kubernetes.io/hostname": %[1]q, "kubernetes.io/os": "linux", "type": "kwok"},
			"annotations": {"kwok.x-k8s.io/node": "fake"}}}`, node)
		response, err := client.Post(c.url()+"/api/v1/nodes", "application/json", strings.NewReader(body))
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusConflict {
			return fmt.Errorf("create node %s: %s", node, response.Status)
		}
	}
	return nil
}

// object is what is looked at of an object of the API server.
type object struct {
	Status struct {
		Conditions []struct{ Type, Status string }
	}
}

func anyObject(object) bool { return true }

func nodeReady(o object) bool {
	for _, condition := range o.Status.Conditions {
		if condition.Type == "Ready" {
			return condition.Status == "True"
		}
	}
	return false
}

// waitObject waits until an object of the API server is there and good.
func (c *Cluster) waitObject(path string, good func(object) bool) error {
	client := healthClient(c)
	deadline := time.Now().Add(startTimeout)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for time.Now().Before(deadline) {
		response, err := client.Get(c.url() + path)
		if err == nil {
			var o object
			decoded := json.NewDecoder(response.Body).Decode(&o)
			response.Body.Close()
			if response.StatusCode == http.StatusOK && decoded == nil && good(o) {
				return nil
			}
		}
		<-again.C
	}
	return fmt.Errorf("%s is not ready after %v", path, startTimeout)
}

// say prints a line of progress.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
