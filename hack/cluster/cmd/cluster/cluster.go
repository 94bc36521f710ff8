package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// The modes of a cluster, as its file `mode` says them.
const (
	modeNode         = "node"          // a real node: containers run
	modeFake         = "fake"          // nodes and pods are objects that kwok keeps up
	modeControlPlane = "control-plane" // no nodes: pods stay Pending
)

// Cluster is what is decided when a cluster is made, kept as cluster.json in its folder.
type Cluster struct {
	Name       string
	Dir        string // everything about the cluster stands in this folder
	Mode       string
	Kubernetes string // the program with every component
	Kwok       string // the program kwok, in fake mode
	FakeNodes  int
	Ports      Ports
	Overlay    bool                // overlayfs can be mounted in Dir
	CNIPlugins string              // the folder of the CNI plugins
	Flags      map[string][]string // further flags by component
}

// Ports are where the components listen on 127.0.0.1. With a node, that is inside of the cluster's network,
// and the API server's port is relayed to from the same port outside.
type Ports struct {
	APIServer, ControllerManager, Scheduler, Kwok int
}

// The network of a cluster: the same in each, since each with a node has a network namespace of its own.
const (
	nodeName    = "node1"
	nodeIP      = "172.30.0.1"
	podCIDR     = "10.244.0.0/16"
	serviceCIDR = "10.96.0.0/16"
	serviceIP   = "10.96.0.1" // of the Service `kubernetes`
)

var (
	validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$`)
	errDown   = errors.New("is not up: hack/cluster/up starts it")
)

// baseDir is the folder that holds one folder per cluster of this user.
func baseDir() string {
	if dir := os.Getenv("FORMATION_CLUSTER_DIR"); dir != "" {
		if dir, err := filepath.Abs(dir); err == nil {
			return dir
		}
	}
	return fmt.Sprintf("/tmp/formation-cluster-%d", os.Getuid())
}

// makeBaseDir makes the base folder, which must be this user's alone since keys are kept in it.
func makeBaseDir() (string, error) {
	base := baseDir()
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	var stat unix.Stat_t
	if err := unix.Lstat(base, &stat); err != nil {
		return "", err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR || int(stat.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s is not a folder of this user: remove it or set FORMATION_CLUSTER_DIR", base)
	}
	return base, nil
}

// lock takes the exclusive lock of a folder, held until the file is closed or the process ends.
func lock(dir string, how int) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := retryInterrupted(func() error { return unix.Flock(int(file.Fd()), how) }); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// lockCluster makes the cluster's folder and locks it, so that one up or down at a time works on it.
func lockCluster(name string) (string, *os.File, error) {
	base, err := makeBaseDir()
	if err != nil {
		return "", nil, err
	}
	dir := filepath.Join(base, name)
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil, err
		}
		file, err := lock(dir, unix.LOCK_EX)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		// A down that held the lock before may have removed the folder.
		locked, err := file.Stat()
		current, err2 := os.Stat(dir)
		if err == nil && err2 == nil && os.SameFile(locked, current) {
			return dir, file, nil
		}
		file.Close()
	}
}

func (c *Cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.Dir}, elements...)...)
}

func (c *Cluster) save() error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.path("mode"), []byte(c.Mode+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(c.path("cluster.json"), append(text, '\n'), 0o600)
}

// load reads a cluster's decisions; fs.ErrNotExist when there is none of that name.
func load(name string) (*Cluster, error) {
	return loadFrom(filepath.Join(baseDir(), name))
}

func loadFrom(dir string) (*Cluster, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	return c, json.Unmarshal(text, c)
}

// loadUp reads the decisions of a cluster that has to be up.
func loadUp(name string) (*Cluster, error) {
	c, err := load(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !c.alive() {
		return nil, fmt.Errorf("cluster %s %w", name, errDown)
	}
	return c, err
}

// alive tells whether the supervisor lives: it holds a lock for as long as it does.
func (c *Cluster) alive() bool {
	file, err := lock(c.path("alive"), unix.LOCK_SH|unix.LOCK_NB)
	if err == nil {
		file.Close()
	}
	return errors.Is(err, unix.EWOULDBLOCK)
}

// names lists the clusters that have a folder.
func names() []string {
	entries, _ := os.ReadDir(baseDir())
	var found []string
	for _, entry := range entries {
		if _, err := os.Stat(filepath.Join(baseDir(), entry.Name(), "cluster.json")); err == nil {
			found = append(found, entry.Name())
		}
	}
	return found
}

// takePorts finds free ports for the cluster and saves it. They are below the range that the kernel gives
// to outgoing connections, so that a stopped component finds its own free again, and differ from those of
// every other cluster of this user.
func (c *Cluster) takePorts() error {
	base, err := lock(filepath.Dir(c.Dir), unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer base.Close()
	taken := map[int]bool{}
	for _, name := range names() {
		if other, err := load(name); err == nil && name != c.Name {
			taken[other.Ports.APIServer], taken[other.Ports.ControllerManager] = true, true
			taken[other.Ports.Scheduler], taken[other.Ports.Kwok] = true, true
		}
	}
	next := 16443
	free := func() int {
		for ; next < 32768; next++ {
			if taken[next] {
				continue
			}
			if listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", next)); err == nil {
				listener.Close()
				next++
				return next - 1
			}
		}
		return 0
	}
	c.Ports = Ports{APIServer: free(), ControllerManager: 10257, Scheduler: 10259}
	if c.Mode != modeNode {
		c.Ports.ControllerManager, c.Ports.Scheduler, c.Ports.Kwok = free(), free(), free()
	}
	if c.Ports.APIServer == 0 || c.Ports.Scheduler == 0 {
		return errors.New("no port from 16443 to 32767 is free on 127.0.0.1")
	}
	return c.save()
}

// flagValue takes the value of `--name value` or `--name=value` from the front of arguments.
func flagValue(args []string, name string) (value string, rest []string, ok bool) {
	if value, ok := strings.CutPrefix(args[0], name+"="); ok {
		return value, args[1:], true
	}
	if args[0] == name && len(args) > 1 {
		return args[1], args[2:], true
	}
	return "", args, false
}

// nameFlag takes a leading `--name NAME` from arguments.
func nameFlag(args []string) (string, []string, error) {
	name := "default"
	if len(args) > 0 {
		if value, rest, ok := flagValue(args, "--name"); ok {
			name, args = value, rest
		}
	}
	if !validName.MatchString(name) {
		return "", nil, fmt.Errorf("%w: a cluster's name is of at most 32 characters a-z, 0-9 and -, not %q", errUsage, name)
	}
	return name, args, nil
}

func retryInterrupted(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
