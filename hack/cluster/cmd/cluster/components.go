package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"

	"golang.org/x/sys/unix"
)

// part is a program of the cluster: how it is called and how one sees that it works.
type part struct {
	name   string
	argv   []string
	health string // a URL that answers 200, or the path of a socket, once it works
}

// stages lists the parts of a cluster in the order they are started; those of one stage side by side.
func (c *Cluster) stages() [][]part {
	stages := [][]part{{c.etcd()}, {c.apiServer()}, {c.controllerManager(), c.scheduler()}}
	switch c.Mode {
	case modeNode:
		stages[0] = append(stages[0], c.containerd())
		stages[2] = append(stages[2], c.kubelet(), c.kubeProxy(), c.dns())
	case modeFake:
		stages = append(stages, []part{c.kwok()})
	}
	return stages
}

// part finds a part by its name, which may leave out `kube-`.
func (c *Cluster) part(name string) (part, error) {
	for _, stage := range c.stages() {
		for _, p := range stage {
			if p.name == name || p.name == "kube-"+name {
				return p, nil
			}
		}
	}
	return part{}, fmt.Errorf("a cluster of mode %s has no component %q", c.Mode, name)
}

// component makes a part of the program that holds every Kubernetes component.
func (c *Cluster) component(name, health string, args ...string) part {
	argv := append([]string{c.Kubernetes, name}, args...)
	return part{name: name, argv: append(argv, c.Flags[name]...), health: health}
}

func (c *Cluster) etcd() part {
	socket := c.path("run", "etcd.sock")
	// The addresses that etcd tells others have to look like this. With a single member nobody calls them.
	client, peer := "http://localhost:2379", "http://localhost:2380"
	return c.component("etcd", socket,
		"--data-dir="+c.path("etcd"),
		"--listen-client-urls=unix://"+socket,
		"--advertise-client-urls="+client,
		"--listen-peer-urls=unix://"+c.path("run", "peer.sock"),
		"--initial-advertise-peer-urls="+peer,
		"--initial-cluster=default="+peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	)
}

func (c *Cluster) apiServer() part {
	// Without a node nothing can reach the Service `kubernetes`, so it gets no endpoints.
	address, bind, reconciler := "127.0.0.1", "127.0.0.1", "none"
	if c.Mode == modeNode {
		address, bind, reconciler = nodeIP, "0.0.0.0", "lease"
	}
	return c.component("kube-apiserver", fmt.Sprintf("https://127.0.0.1:%d/readyz", c.Ports.APIServer),
		"--etcd-servers=unix://"+c.path("run", "etcd.sock"),
		"--bind-address="+bind,
		fmt.Sprintf("--secure-port=%d", c.Ports.APIServer),
		"--advertise-address="+address,
		"--endpoint-reconciler-type="+reconciler,
		"--tls-cert-file="+c.path("pki", "kube-apiserver.crt"),
		"--tls-private-key-file="+c.path("pki", "kube-apiserver.key"),
		"--client-ca-file="+c.path("pki", "ca.crt"),
		"--kubelet-certificate-authority="+c.path("pki", "ca.crt"),
		"--kubelet-client-certificate="+c.path("pki", "client.crt"),
		"--kubelet-client-key="+c.path("pki", "client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+c.path("pki", "service-account.pub"),
		"--service-account-signing-key-file="+c.path("pki", "service-account.key"),
		"--service-cluster-ip-range="+serviceCIDR,
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		"--audit-policy-file="+c.path("components", "audit.yaml"),
		"--audit-log-path="+c.path("audit.log"),
		"--audit-log-maxsize=4096",
	)
}

func (c *Cluster) controllerManager() part {
	kubeconfig := c.path("components", "kube-controller-manager.kubeconfig")
	return c.component("kube-controller-manager", fmt.Sprintf("https://127.0.0.1:%d/healthz", c.Ports.ControllerManager),
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--authentication-skip-lookup", // there is no aggregated API server to be told of
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.Ports.ControllerManager),
		"--tls-cert-file="+c.path("pki", "controllers.crt"),
		"--tls-private-key-file="+c.path("pki", "controllers.key"),
		"--root-ca-file="+c.path("pki", "ca.crt"),
		"--cluster-signing-cert-file="+c.path("pki", "ca.crt"),
		"--cluster-signing-key-file="+c.path("pki", "ca.key"),
		"--service-account-private-key-file="+c.path("pki", "service-account.key"),
		"--use-service-account-credentials",
		"--leader-elect=false",
		"--flex-volume-plugin-dir="+c.path("kubelet", "plugins"), // else it makes one in /usr/libexec
		// At the default rate of 20 a second it takes 5 s to start its own controllers.
		"--kube-api-qps=200",
		"--kube-api-burst=400",
	)
}

func (c *Cluster) scheduler() part {
	kubeconfig := c.path("components", "kube-scheduler.kubeconfig")
	return c.component("kube-scheduler", fmt.Sprintf("https://127.0.0.1:%d/healthz", c.Ports.Scheduler),
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--authentication-skip-lookup", // there is no aggregated API server to be told of
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.Ports.Scheduler),
		"--tls-cert-file="+c.path("pki", "controllers.crt"),
		"--tls-private-key-file="+c.path("pki", "controllers.key"),
		"--leader-elect=false",
	)
}

func (c *Cluster) containerd() part {
	return part{
		name:   "containerd",
		argv:   append([]string{"containerd", "--config", c.path("components", "containerd.toml")}, c.Flags["containerd"]...),
		health: c.path("run", "containerd.sock"),
	}
}

func (c *Cluster) kubelet() part {
	return c.component("kubelet", "http://127.0.0.1:10248/healthz",
		"--config="+c.path("components", "kubelet.yaml"),
		"--kubeconfig="+c.path("components", "kubelet.kubeconfig"),
		"--root-dir="+c.path("kubelet"),
		"--cert-dir="+c.path("kubelet", "pki"),
		"--hostname-override="+nodeName,
		"--node-ip="+nodeIP,
	)
}

func (c *Cluster) kubeProxy() part {
	return c.component("kube-proxy", "http://127.0.0.1:10256/livez", "--config="+c.path("components", "kube-proxy.yaml"))
}

// dns is this program itself; see the file dns.go.
func (c *Cluster) dns() part {
	self, err := os.Executable()
	if err != nil {
		panic(err) // /proc is not mounted, and without it nothing here works
	}
	return part{name: "dns", argv: []string{self, "dns", c.Dir}, health: "http://127.0.0.1:10053/healthz"}
}

func (c *Cluster) kwok() part {
	server := fmt.Sprintf("127.0.0.1:%d", c.Ports.Kwok)
	return part{
		name: "kwok",
		argv: append([]string{c.Kwok,
			"--kubeconfig=" + c.path("kubeconfig"),
			"--config=" + filepath.Join(filepath.Dir(c.Kwok), "stages.yaml"),
			"--manage-all-nodes=true",
			"--node-lease-duration-seconds=40",
			"--server-address=" + server,
		}, c.Flags["kwok"]...),
		health: "http://" + server + "/healthz",
	}
}

//go:embed config
var configs embed.FS

// writeConfigs fills in the files of config/ and writes them to components/.
func (c *Cluster) writeConfigs() error {
	files := map[string]string{"audit.yaml": "audit.yaml"}
	if c.Mode == modeNode {
		files["kubelet.yaml"] = "kubelet.yaml"
		files["containerd.toml"] = "containerd.toml"
		files["kube-proxy.yaml"] = "kube-proxy.yaml"
		files["cni.json"] = "cni/pods.conflist"
	}
	for name, target := range files {
		var text bytes.Buffer
		parsed, err := template.ParseFS(configs, "config/"+name)
		if err != nil {
			return err
		}
		err = parsed.Execute(&text, map[string]any{
			"Dir": c.Dir, "Overlay": c.Overlay, "OnDisk": c.onDisk(), "CNIPlugins": c.CNIPlugins, "PauseImage": pauseImage,
			"NodeName": nodeName, "NodeIP": nodeIP, "PodCIDR": podCIDR, "CgroupRoot": c.cgroup(),
		})
		if err != nil {
			return err
		}
		path := c.path("components", target)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// onDisk tells whether the cluster's folder is on a disk, not on a file system made of others or of memory.
func (c *Cluster) onDisk() bool {
	var stat unix.Stat_t
	return unix.Stat(c.Dir, &stat) == nil && unix.Major(stat.Dev) != 0
}

// cniPlugins finds the folder with the CNI plugins that the cluster uses.
func cniPlugins() (string, error) {
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := exec.LookPath(filepath.Join(dir, "ptp")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no CNI plugins in /usr/lib/cni or /opt/cni/bin: hack/deps node installs them")
}
