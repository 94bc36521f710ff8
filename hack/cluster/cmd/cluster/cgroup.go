package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cgroup is the path of the cluster's own cgroup, the same in every hierarchy.
func (c *Cluster) cgroup() string {
	return fmt.Sprintf("/formation-cluster/%s-%08x", c.Name, crc32.ChecksumIEEE([]byte(c.Dir)))
}

// hierarchy is a mounted tree of cgroups.
type hierarchy struct {
	mount       string
	v2          bool
	controllers []string
}

// hierarchies lists the mounted cgroup trees: one with cgroup v2, one per controller or so with v1.
func hierarchies() ([]hierarchy, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var found []hierarchy
	for _, line := range strings.Split(string(text), "\n") {
		before, after, _ := strings.Cut(line, " - ")
		mount, kind := strings.Fields(before), strings.Fields(after)
		if len(mount) < 5 || len(kind) < 3 || kind[0] != "cgroup" && kind[0] != "cgroup2" {
			continue
		}
		h := hierarchy{mount: mount[4], v2: kind[0] == "cgroup2", controllers: strings.Split(kind[2], ",")}
		if h.v2 {
			available, _ := os.ReadFile(filepath.Join(h.mount, "cgroup.controllers"))
			h.controllers = strings.Fields(string(available))
		}
		found = append(found, h)
	}
	return found, nil
}

// makeCgroups makes the cluster's cgroup in every hierarchy and checks that what a kubelet needs is there.
func (c *Cluster) makeCgroups() error {
	found, err := hierarchies()
	if err != nil {
		return err
	}
	var controllers []string
	for _, h := range found {
		path := h.mount
		for _, name := range strings.Split(strings.Trim(c.cgroup(), "/"), "/") {
			if h.v2 {
				h.delegate(path)
			}
			parent := path
			path = filepath.Join(path, name)
			if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("make a cgroup: %w", err)
			}
			// With v1 a new cpuset is empty, and nothing may run in it.
			for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
				if value, err := os.ReadFile(filepath.Join(parent, file)); err == nil && !h.v2 {
					os.WriteFile(filepath.Join(path, file), value, 0)
				}
			}
		}
		if h.v2 {
			available, _ := os.ReadFile(filepath.Join(path, "cgroup.controllers"))
			controllers = append(controllers, strings.Fields(string(available))...)
		} else {
			controllers = append(controllers, h.controllers...)
		}
	}
	for _, needed := range []string{"cpu", "cpuset", "memory", "pids"} {
		if !slices.Contains(controllers, needed) {
			return fmt.Errorf("the cgroup controller %s cannot be used", needed)
		}
	}
	return nil
}

// delegate lets the children of a v2 cgroup use every controller that it may give them.
func (h hierarchy) delegate(path string) {
	for _, controller := range h.controllers {
		os.WriteFile(filepath.Join(path, "cgroup.subtree_control"), []byte("+"+controller), 0)
	}
}

// joinCgroups moves this process into a cgroup below the cluster's in every hierarchy.
func (c *Cluster) joinCgroups() error {
	found, err := hierarchies()
	if err != nil {
		return err
	}
	for _, h := range found {
		path := filepath.Join(h.mount, c.cgroup())
		if h.v2 {
			// With v2 processes may only be in a leaf.
			path = filepath.Join(path, "leaf")
			if err := os.Mkdir(path, 0o755); err != nil {
				return fmt.Errorf("make a cgroup: %w", err)
			}
		}
		if err := os.WriteFile(filepath.Join(path, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("join a cgroup: %w", err)
		}
	}
	return nil
}

// removeCgroups removes the cluster's cgroups. Their processes have ended, but the kernel may still be at it.
func (c *Cluster) removeCgroups() error {
	found, err := hierarchies()
	if err != nil {
		return err
	}
	for _, h := range found {
		path := filepath.Join(h.mount, c.cgroup())
		deadline := time.Now().Add(10 * time.Second)
		for {
			err := removeTree(path)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("remove a cgroup: %w", err)
			}
			time.Sleep(10 * time.Millisecond) // no event tells when a v1 cgroup is empty
		}
		os.Remove(filepath.Dir(path)) // fails as long as there are other clusters
	}
	return nil
}

// removeTree removes a cgroup and those below it, whose files are not removed one by one.
func removeTree(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(path, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return os.Remove(path)
}
