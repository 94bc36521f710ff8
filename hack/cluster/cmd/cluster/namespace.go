package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// nodeNamespaces are a node's own: what it mounts, the processes it starts and what it does to the network
// are seen by nothing else, and are gone with its first process.
const nodeNamespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS |
	syscall.CLONE_NEWIPC

// probe finds out by doing it whether a node can be made on this machine: nil, or which step failed.
func probe() error {
	if _, err := makeBaseDir(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(baseDir(), ".probe-")
	if err != nil {
		return err
	}
	defer os.Remove(baseDir()) // fails when there are clusters
	defer os.RemoveAll(dir)
	c := &Cluster{Name: filepath.Base(dir), Dir: dir}
	defer c.removeCgroups()
	if err := c.makeCgroups(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, "probe", dir)
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: nodeNamespaces}
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(strings.TrimPrefix(strings.TrimSpace(string(output)), "cluster: "))
	}
	if err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}
	return nil
}

// probeInside is the command `cluster probe DIR`, which probe starts in namespaces of its own.
func probeInside(args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c := &Cluster{Name: filepath.Base(args[0]), Dir: args[0]}
	if err := c.enterNamespaces(); err != nil {
		return err
	}
	if err := c.joinCgroups(); err != nil {
		return err
	}
	if _, err := exec.LookPath("nft"); err == nil {
		if output, err := exec.Command("nft", "add", "table", "ip", "probe").CombinedOutput(); err != nil {
			return fmt.Errorf("nft add table: %w: %s", err, strings.TrimSpace(string(output)))
		}
	}
	return nil
}

// canOverlay tells whether overlayfs can be mounted in the cluster's folder. It has to be asked in
// namespaces of its own or by one who may mount; what it mounts is unmounted again.
func (c *Cluster) canOverlay() bool {
	dirs := map[string]string{}
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		dirs[name] = c.path("overlay", name)
		if os.MkdirAll(dirs[name], 0o700) != nil {
			return false
		}
	}
	defer os.RemoveAll(c.path("overlay"))
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dirs["lower"], dirs["upper"], dirs["work"])
	if unix.Mount("overlay", dirs["merged"], "overlay", 0, options) != nil {
		return false
	}
	return unix.Unmount(dirs["merged"], unix.MNT_DETACH) == nil
}

// prepareNode finds what a node needs and makes what it has outside of its namespaces.
func (c *Cluster) prepareNode() error {
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed: hack/deps node installs it", program)
		}
	}
	var err error
	if c.CNIPlugins, err = cniPlugins(); err != nil {
		return err
	}
	c.Overlay = c.canOverlay()
	return c.makeCgroups()
}

// enterNamespaces sets up the namespaces that this process has been started in as its first process.
func (c *Cluster) enterNamespaces() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	// Shared among the node's own processes: containers see what the kubelet mounts for them.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share mounts in the namespace: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	// What containerd, CNI and the kubelet write to fixed places goes here instead.
	for _, dir := range []string{"/run", "/var/lib", "/var/log"} {
		if err := c.hide(dir); err != nil {
			return err
		}
	}
	if err := c.fakeKernelSettings(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(nodeName)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	return makeNetwork()
}

// hide mounts an empty folder over one, except for what the cluster itself needs from below it.
func (c *Cluster) hide(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	kept := map[string]int{}
	for _, path := range []string{c.Dir, filepath.Dir(c.Kubernetes), filepath.Dir(self)} {
		if strings.HasPrefix(path, dir+"/") {
			if kept[path], err = unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
				return fmt.Errorf("open %s: %w", path, err)
			}
			defer unix.Close(kept[path])
		}
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount an empty %s: %w", dir, err)
	}
	for path, fd := range kept {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		source := fmt.Sprintf("/proc/self/fd/%d", fd)
		if err := unix.Mount(source, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("keep %s: %w", path, err)
		}
	}
	return nil
}

// fakeKernelSettings shows the kubelet the kernel settings that it wants, so that it changes none: they
// are the whole machine's.
func (c *Cluster) fakeKernelSettings() error {
	for name, value := range map[string]string{
		"vm/overcommit_memory":      "1",
		"vm/panic_on_oom":           "0",
		"kernel/panic":              "10",
		"kernel/panic_on_oops":      "1",
		"kernel/keys/root_maxkeys":  "1000000",
		"kernel/keys/root_maxbytes": "25000000",
	} {
		file := filepath.Join("/run/settings", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, filepath.Join("/proc/sys", name), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("show the kernel setting %s: %w", name, err)
		}
	}
	return nil
}

// makeNetwork gives this network namespace its addresses: 127.0.0.1 and a bridge with the node's. Everything
// else is routed to the bridge, where nobody answers: without a route the kernel would refuse connections to
// Services before kube-proxy's rules could redirect them.
func makeNetwork() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("start the loopback interface: %w", err)
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "node0"}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("make a bridge: %w", err)
	}
	address := &net.IPNet{IP: net.ParseIP(nodeIP), Mask: net.CIDRMask(24, 32)}
	if err := netlink.AddrAdd(bridge, &netlink.Addr{IPNet: address}); err != nil {
		return fmt.Errorf("give the bridge an address: %w", err)
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("start the bridge: %w", err)
	}
	_, everywhere, _ := net.ParseCIDR("0.0.0.0/0")
	route := &netlink.Route{LinkIndex: bridge.Attrs().Index, Dst: everywhere, Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("route to the bridge: %w", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("let the node forward: %w", err)
	}
	return nil
}

// enterAndExec becomes a command in the cluster's network, and in the machine's in every other respect.
func (c *Cluster) enterAndExec(argv []string) error {
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	if c.Mode == modeNode {
		runtime.LockOSThread()
		network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.supervisorPid()))
		if err != nil {
			return err
		}
		if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network of cluster %s: %w", c.Name, err)
		}
	}
	os.Setenv("KUBECONFIG", c.path("kubeconfig"))
	os.Setenv("KUBECACHEDIR", c.path("kubectl-cache"))
	return syscall.Exec(program, argv, os.Environ())
}
