package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ask sends a line to the cluster's supervisor and returns what it answers.
func (c *Cluster) ask(line string) (string, error) {
	connection, err := net.Dial("unix", c.path("run", "supervisor.sock"))
	if err != nil {
		return "", fmt.Errorf("ask the supervisor of cluster %s: %w", c.Name, err)
	}
	defer connection.Close()
	if _, err := fmt.Fprintln(connection, line); err != nil {
		return "", err
	}
	var answer []string
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		answer = append(answer, lines.Text())
	}
	if err := lines.Err(); err != nil || len(answer) == 0 {
		return "", fmt.Errorf("the supervisor of cluster %s ended: see %s", c.Name, c.path("logs", "supervisor.log"))
	}
	if last := answer[len(answer)-1]; last != "ok" {
		return "", errors.New(last)
	}
	return strings.Join(answer[:len(answer)-1], "\n"), nil
}

// running lists the components that run and are not paused.
func (c *Cluster) running() ([]string, error) {
	list, err := c.ask("list")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, line := range strings.Split(list, "\n") {
		if name, state, _ := strings.Cut(line, " "); strings.HasPrefix(state, "running") {
			names = append(names, name)
		}
	}
	return names, nil
}

// component is the command `cluster component`.
func component(args []string) error {
	name, args, err := nameFlag(args)
	if err != nil {
		return err
	}
	if len(args) != 2 {
		return errUsage
	}
	c, err := loadUp(name)
	if err != nil {
		return err
	}
	_, err = c.ask(args[0] + " " + args[1])
	return err
}

// status is the command `cluster status`: a line per cluster, then one per component.
func status(args []string) error {
	all := len(args) == 0
	name, args, err := nameFlag(args)
	if err != nil {
		return err
	}
	if len(args) != 0 {
		return errUsage
	}
	shown := []string{name}
	if all {
		shown = names()
	}
	for _, name := range shown {
		c, err := loadUp(name)
		if err != nil {
			fmt.Printf("%s: down\n", name)
			continue
		}
		fmt.Printf("%s: up, mode %s, %s, KUBECONFIG=%s\n", name, c.Mode, c.url(), c.path("kubeconfig"))
		components, err := c.ask("list")
		if err != nil {
			return err
		}
		for _, line := range strings.Split(components, "\n") {
			words := strings.Fields(line)
			if pid := c.hostPid(words[2]); pid != 0 {
				fmt.Printf("  %-24s %-8s pid %d\n", words[0], words[1], pid)
			} else {
				fmt.Printf("  %-24s %s\n", words[0], words[1])
			}
		}
	}
	return nil
}

// supervisorPid is the pid of the cluster's supervisor, once it is certain that it is that; else 0.
func (c *Cluster) supervisorPid() int {
	text, err := os.ReadFile(c.path("supervisor.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := strings.Split(string(command), "\x00")
	if err != nil || len(words) < 3 || words[1] != "supervise" || words[2] != c.Dir {
		return 0
	}
	return pid
}

// hostPid translates a pid that the supervisor sees to the one outside of its namespace; 0 when it has none.
func (c *Cluster) hostPid(inner string) int {
	if c.Mode != modeNode {
		pid, _ := strconv.Atoi(inner)
		return pid
	}
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", c.supervisorPid()))
	if err != nil {
		return 0
	}
	links, _ := filepath.Glob("/proc/[0-9]*/ns/pid")
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != namespace {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		text, _ := os.ReadFile(filepath.Join(process, "status"))
		for _, line := range strings.Split(string(text), "\n") {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "NSpid:" && words[len(words)-1] == inner {
				pid, _ := strconv.Atoi(filepath.Base(process))
				return pid
			}
		}
	}
	return 0
}

// down is the command `cluster down`.
func down(args []string) error {
	if len(args) == 1 && args[0] == "--all" {
		for _, name := range names() {
			if err := downOne(name); err != nil {
				return err
			}
		}
		return nil
	}
	name, args, err := nameFlag(args)
	if err != nil {
		return err
	}
	if len(args) != 0 {
		return errUsage
	}
	return downOne(name)
}

// downOne ends a cluster and removes everything of it; done when there is none of that name.
func downOne(name string) error {
	if _, err := os.Lstat(filepath.Join(baseDir(), name)); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "cluster %s is down\n", name)
		return nil
	}
	dir, held, err := lockCluster(name)
	if err != nil {
		return err
	}
	defer held.Close()
	if c, err := load(name); err == nil {
		if err := c.end(); err != nil {
			return err
		}
		if err := empty(dir); err != nil {
			return err
		}
	}
	if err := os.Remove(dir); err != nil {
		return fmt.Errorf("this is not a cluster's folder: %w", err)
	}
	os.Remove(baseDir()) // fails as long as there are other clusters
	fmt.Fprintf(os.Stderr, "cluster %s is down\n", name)
	return nil
}

// empty removes everything in a cluster's folder, last what shows that it is one.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != "cluster.json" {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(filepath.Join(dir, "cluster.json"))
}

// end ends the cluster's processes and removes what stands outside of its folder.
func (c *Cluster) end() error {
	if c.alive() {
		pid := c.supervisorPid()
		if pid == 0 {
			return fmt.Errorf("the supervisor of cluster %s runs, but %s does not name it", c.Name, c.path("supervisor.pid"))
		}
		number := syscall.SIGTERM
		if c.Mode == modeNode {
			number = syscall.SIGKILL // of the first process of a PID namespace: the kernel ends all the others
		}
		process, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return fmt.Errorf("open process %d: %w", pid, err)
		}
		defer unix.Close(process)
		// Asked again now that the process cannot be mistaken for another.
		if c.supervisorPid() != pid {
			return fmt.Errorf("process %d is not the supervisor of cluster %s", pid, c.Name)
		}
		if err := unix.PidfdSendSignal(process, number, nil, 0); err != nil && err != unix.ESRCH {
			return err
		}
		wait := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}
		if err := retryInterrupted(func() error { _, err := unix.Poll(wait, -1); return err }); err != nil {
			return err
		}
	}
	if c.Mode == modeNode {
		return c.removeCgroups()
	}
	return nil
}

// kubeconfig is the command `cluster kubeconfig`.
func kubeconfig(args []string) error {
	name, args, err := nameFlag(args)
	if err != nil || len(args) != 0 {
		return errors.Join(errUsage, err)
	}
	c, err := loadUp(name)
	if err != nil {
		return err
	}
	fmt.Println(c.path("kubeconfig"))
	return nil
}

// dir is the command `cluster dir`: where the cluster's folder is or would be.
func dir(args []string) error {
	name, args, err := nameFlag(args)
	if err != nil || len(args) != 0 {
		return errors.Join(errUsage, err)
	}
	fmt.Println(filepath.Join(baseDir(), name))
	return nil
}

// user is the command `cluster user`: writes users/USER.kubeconfig and prints its path.
func user(args []string) error {
	name, args, err := nameFlag(args)
	if err != nil {
		return err
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || strings.Contains(args[0], "/") {
		return errUsage
	}
	c, err := loadUp(name)
	if err != nil {
		return err
	}
	a, err := loadAuthority(c)
	if err != nil {
		return err
	}
	path := c.path("users", args[0]+".kubeconfig")
	if err := a.kubeconfig(c, path, args[0], args[1:]); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}

// execute is the command `cluster exec`: becomes the given command, in the cluster's network.
func execute(args []string) error {
	name, args, err := nameFlag(args)
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errUsage
	}
	c, err := loadUp(name)
	if err != nil {
		return err
	}
	return c.enterAndExec(args)
}
