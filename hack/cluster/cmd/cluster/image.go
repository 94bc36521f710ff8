package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// pauseImage is the image of the process that holds a pod's namespaces.
const pauseImage = "formation.test/pause:1"

// imageConfig is what a container of an image runs, in the words of the OCI image specification.
type imageConfig struct {
	User       string   `json:",omitempty"`
	Env        []string `json:",omitempty"`
	Entrypoint []string `json:",omitempty"`
	WorkingDir string   `json:",omitempty"`
}

// descriptor points to a part of an image.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// image is the command `cluster image`: makes an image of a folder and gives it to the cluster's node.
func image(args []string) error {
	name, args, err := nameFlag(args)
	if err != nil {
		return err
	}
	config := imageConfig{WorkingDir: "/", Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if value, rest, ok := flagValue(args, "--entrypoint"); ok {
			config.Entrypoint, args = append(config.Entrypoint, value), rest
		} else if value, rest, ok := flagValue(args, "--user"); ok {
			config.User, args = value, rest
		} else if value, rest, ok := flagValue(args, "--env"); ok {
			config.Env, args = append(config.Env, value), rest
		} else {
			return fmt.Errorf("%w: image does not know %q", errUsage, args[0])
		}
	}
	if len(args) != 2 {
		return errUsage
	}
	reference, err := fullName(args[0])
	if err != nil {
		return err
	}
	c, err := loadUp(name)
	if err != nil {
		return err
	}
	if c.Mode != modeNode {
		return fmt.Errorf("cluster %s has the mode %s: no node that could run an image", c.Name, c.Mode)
	}
	return c.importImage(reference, config, os.DirFS(args[1]))
}

// fullName completes an image's name as Kubernetes does, which looks for it by its full name only.
func fullName(name string) (string, error) {
	host, rest, found := strings.Cut(name, "/")
	switch {
	case !found:
		rest = name
		name = "docker.io/library/" + name
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		name = "docker.io/" + name
	}
	if !strings.Contains(rest, ":") {
		return "", fmt.Errorf("%w: an image's name is NAME:TAG, not %q", errUsage, rest)
	}
	return name, nil
}

// importImage makes an image with one layer, the files of a folder, and imports it into the node's containerd.
func (c *Cluster) importImage(name string, config imageConfig, files fs.FS) error {
	archive, err := imageArchive(name, config, files)
	if err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	command := exec.Command("ctr", "--address", c.path("run", "containerd.sock"), "--namespace", "k8s.io",
		"images", "import", "-")
	command.Stdin = bytes.NewReader(archive)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import image %s: %w: %s", name, err, bytes.TrimSpace(output))
	}
	return nil
}

// imageArchive makes an image as a tar archive in the OCI layout. The same files make the same archive.
func imageArchive(name string, config imageConfig, files fs.FS) ([]byte, error) {
	layer, err := layerArchive(files)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	out := tar.NewWriter(&archive)
	add := func(path string, content []byte) error {
		header := &tar.Header{Name: path, Mode: 0o644, Size: int64(len(content))}
		return errors.Join(out.WriteHeader(header), write(out, content))
	}
	blob := func(mediaType string, content []byte) (descriptor, error) {
		sum := fmt.Sprintf("%x", sha256.Sum256(content))
		d := descriptor{MediaType: mediaType, Digest: "sha256:" + sum, Size: len(content)}
		return d, add("blobs/sha256/"+sum, content)
	}
	blobJSON := func(mediaType string, value any) (descriptor, error) {
		text, err := json.Marshal(value)
		if err != nil {
			return descriptor{}, err
		}
		return blob(mediaType, text)
	}
	layerAt, err := blob("application/vnd.oci.image.layer.v1.tar", layer)
	if err != nil {
		return nil, err
	}
	configAt, err := blobJSON("application/vnd.oci.image.config.v1+json", map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       config,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{layerAt.Digest}},
	})
	if err != nil {
		return nil, err
	}
	manifestAt, err := blobJSON("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2,
		"mediaType":     "application/vnd.oci.image.manifest.v1+json",
		"config":        configAt,
		"layers":        []descriptor{layerAt},
	})
	if err != nil {
		return nil, err
	}
	manifestAt.Annotations = map[string]string{"io.containerd.image.name": name}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifestAt}})
	if err != nil {
		return nil, err
	}
	err = errors.Join(add("oci-layout", []byte(`{"imageLayoutVersion": "1.0.0"}`)), add("index.json", index), out.Close())
	return archive.Bytes(), err
}

// layerArchive makes a tar archive of files, all of them root's and without times.
func layerArchive(files fs.FS) ([]byte, error) {
	var archive bytes.Buffer
	out := tar.NewWriter(&archive)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		header := &tar.Header{Name: path, Mode: int64(info.Mode().Perm())}
		var content []byte
		switch info.Mode().Type() {
		case fs.ModeDir:
			header.Typeflag, header.Name = tar.TypeDir, path+"/"
			if info.Mode()&fs.ModeSticky != 0 {
				header.Mode |= 0o1000
			}
		case fs.ModeSymlink:
			header.Typeflag = tar.TypeSymlink
			if header.Linkname, err = fs.ReadLink(files, path); err != nil {
				return err
			}
		case 0:
			header.Typeflag = tar.TypeReg
			if content, err = fs.ReadFile(files, path); err != nil {
				return err
			}
			header.Size = int64(len(content))
		default:
			return fmt.Errorf("%s is not a file, folder or symbolic link", path)
		}
		return errors.Join(out.WriteHeader(header), write(out, content))
	})
	return archive.Bytes(), errors.Join(err, out.Close())
}

func write(out io.Writer, content []byte) error {
	_, err := out.Write(content)
	return err
}

// importPauseImage makes the pause image of the program that the environment names.
func (c *Cluster) importPauseImage() error {
	program := os.Getenv("FORMATION_PAUSE")
	if program == "" {
		return errors.New("FORMATION_PAUSE does not name the pause program: call hack/cluster/up")
	}
	config := imageConfig{User: "65535:65535", Entrypoint: []string{"/pause"}}
	return c.importImage(pauseImage, config, os.DirFS(filepath.Dir(program)))
}
