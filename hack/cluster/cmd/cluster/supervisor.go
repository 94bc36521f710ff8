package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	startTimeout = 120 * time.Second // how long a component may take until it works
	stopTimeout  = 5 * time.Second   // after SIGTERM; the API server and etcd wait for their clients much longer
	restartDelay = time.Second       // after a component that had worked ended by itself
)

// supervisor is the parent of a cluster's components. Since it alone reaps them, the pid of a component
// that it knows is that component's and never another process's.
type supervisor struct {
	cluster *Cluster
	client  *http.Client
	forks   chan func() // run by the thread that lives as long as the program

	mutex    sync.Mutex // held while children is used, and from a fork until it stands there
	children map[string]*child
}

// child is a running component.
type child struct {
	part   part
	pid    int
	paused bool
	worked bool          // has been healthy
	asked  bool          // to end
	ended  chan struct{} // closed when it has been reaped
}

// supervise is the command `cluster supervise DIR`, started by up. It answers on the socket
// run/supervisor.sock, one line `VERB COMPONENT` per connection, with one line: `ok`, or what went wrong.
// File 3 is written to and closed once it does. In node mode file 4 listens in the network of the machine
// for the API server.
func supervise(args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c, err := loadFrom(args[0])
	if err != nil {
		return err
	}
	// A component is killed with the thread that started it: the one of this function, for good.
	runtime.LockOSThread()
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE)
	alive, err := os.OpenFile(c.path("alive"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer alive.Close()
	// Up has made sure that there is no other supervisor; one who asks holds the lock for a moment.
	if err := retryInterrupted(func() error { return unix.Flock(int(alive.Fd()), unix.LOCK_EX) }); err != nil {
		return fmt.Errorf("lock %s: %w", alive.Name(), err)
	}
	if c.Mode == modeNode {
		if err := c.enterNamespaces(); err != nil {
			return err
		}
		go forward(os.NewFile(4, "listener"), fmt.Sprintf("127.0.0.1:%d", c.Ports.APIServer))
	}
	socket, err := net.Listen("unix", c.path("run", "supervisor.sock"))
	if err != nil {
		return err
	}
	s := &supervisor{cluster: c, client: healthClient(c), forks: make(chan func()), children: map[string]*child{}}
	go s.reap()
	go s.serve(socket)
	ready := os.NewFile(3, "ready")
	fmt.Fprintln(ready, "ok")
	ready.Close()
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	for {
		select {
		case fork := <-s.forks:
			fork()
		case <-terminated:
			return s.killAll()
		}
	}
}

func (s *supervisor) serve(socket net.Listener) {
	for {
		connection, err := socket.Accept()
		if err != nil {
			log.Printf("accept: %v", err)
			return
		}
		go func() {
			defer connection.Close()
			line, err := bufio.NewReader(connection).ReadString('\n')
			if err != nil {
				return
			}
			answer := "ok"
			if err := s.handle(strings.Fields(line), connection); err != nil {
				answer = err.Error()
			}
			log.Printf("%s: %s", strings.TrimSpace(line), answer)
			fmt.Fprintln(connection, strings.ReplaceAll(answer, "\n", " "))
		}()
	}
}

func (s *supervisor) handle(words []string, answer io.Writer) error {
	if len(words) == 1 && words[0] == "list" {
		s.list(answer)
		return nil
	}
	if len(words) != 2 {
		return errors.New("expected VERB COMPONENT")
	}
	p, err := s.cluster.part(words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "start":
		return s.start(p)
	case "stop":
		return s.stop(p.name)
	case "restart":
		if err := s.stop(p.name); err != nil {
			return err
		}
		return s.start(p)
	case "pause":
		return s.pause(p.name, true)
	case "continue":
		return s.pause(p.name, false)
	}
	return fmt.Errorf("%q is not start, stop, restart, pause or continue", words[0])
}

// list writes a line `NAME STATE PID` per component of the cluster, PID as this process sees it.
func (s *supervisor) list(out io.Writer) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, stage := range s.cluster.stages() {
		for _, p := range stage {
			c := s.children[p.name]
			switch {
			case c == nil:
				fmt.Fprintf(out, "%s stopped 0\n", p.name)
			case c.paused:
				fmt.Fprintf(out, "%s paused %d\n", p.name, c.pid)
			default:
				fmt.Fprintf(out, "%s running %d\n", p.name, c.pid)
			}
		}
	}
}

// start starts a component that does not run yet, continues a paused one, and returns when it works.
func (s *supervisor) start(p part) error {
	if err := s.pause(p.name, false); err == nil {
		return s.waitHealthy(p)
	}
	started := make(chan error)
	s.forks <- func() { started <- s.fork(p) }
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	return s.waitHealthy(p)
}

// fork starts a component's process, with its output added to logs/NAME.log.
func (s *supervisor) fork(p part) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.children[p.name] != nil {
		return nil // another start was faster
	}
	program, err := exec.LookPath(p.argv[0])
	if err != nil {
		return err
	}
	output, err := os.OpenFile(s.cluster.path("logs", p.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	// A socket that a killed process left behind would look like a healthy component.
	if strings.HasPrefix(p.health, "/") {
		os.Remove(p.health)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	pid, err := syscall.ForkExec(program, p.argv, &syscall.ProcAttr{
		Dir:   s.cluster.Dir,
		Env:   componentEnv(),
		Files: []uintptr{null.Fd(), output.Fd(), output.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	s.children[p.name] = &child{part: p, pid: pid, ended: make(chan struct{})}
	return nil
}

// componentEnv is this process's environment without what would change how a component behaves.
func componentEnv() []string {
	var kept []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "ETCD_"), strings.HasPrefix(name, "CONTAINERD_"), strings.HasPrefix(name, "KUBE"),
			strings.HasPrefix(name, "KWOK_"), strings.HasPrefix(name, "GO"), strings.HasSuffix(strings.ToLower(name), "_proxy"):
		default:
			kept = append(kept, variable)
		}
	}
	return kept
}

// reap collects every child that ends: components, and in node mode what containers leave to process 1.
func (s *supervisor) reap() {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGCHLD)
	for range changed {
		for s.reapOne() {
		}
	}
}

// reapOne collects one ended child, false when there is none now.
func (s *supervisor) reapOne() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	if err == syscall.EINTR {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	for name, c := range s.children {
		if c.pid == pid {
			log.Printf("%s ended: exit status %d, signal %d", name, status.ExitStatus(), status.Signal())
			delete(s.children, name)
			close(c.ended)
			if c.worked && !c.asked {
				time.AfterFunc(restartDelay, func() { s.again(c.part) })
			}
		}
	}
	return true
}

// again restarts a component that ended by itself, as a real machine's would be.
func (s *supervisor) again(p part) {
	err := s.start(p)
	log.Printf("restart %s, which ended by itself: %v", p.name, err)
	if err != nil {
		time.AfterFunc(restartDelay, func() { s.again(p) })
	}
}

// signal sends a signal to a component and returns it, nil when it does not run.
func (s *supervisor) signal(name string, number syscall.Signal) *child {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c := s.children[name]
	if c != nil {
		c.asked = c.asked || number == syscall.SIGTERM
		syscall.Kill(c.pid, number)
	}
	return c
}

// stop ends a component: SIGTERM, which a paused one takes once continued, and SIGKILL after stopTimeout.
func (s *supervisor) stop(name string) error {
	c := s.signal(name, syscall.SIGTERM)
	if c == nil {
		return nil
	}
	s.signal(name, syscall.SIGCONT)
	select {
	case <-c.ended:
	case <-time.After(stopTimeout):
		s.signal(name, syscall.SIGKILL)
		<-c.ended
	}
	return nil
}

func (s *supervisor) pause(name string, paused bool) error {
	number := syscall.SIGCONT
	if paused {
		number = syscall.SIGSTOP
	}
	c := s.signal(name, number)
	if c == nil {
		return fmt.Errorf("%s does not run", name)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c.paused = paused
	return nil
}

// killAll ends every component at once: nothing of the cluster is to be kept.
func (s *supervisor) killAll() error {
	s.mutex.Lock()
	var running []*child
	for _, c := range s.children {
		c.asked = true
		syscall.Kill(c.pid, syscall.SIGKILL)
		running = append(running, c)
	}
	s.mutex.Unlock()
	for _, c := range running {
		<-c.ended
	}
	return nil
}

// waitHealthy returns when a component works, or an error when it ended or took too long.
func (s *supervisor) waitHealthy(p part) error {
	deadline := time.After(startTimeout)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		s.mutex.Lock()
		c := s.children[p.name]
		s.mutex.Unlock()
		if c == nil {
			return fmt.Errorf("%s ended: %s", p.name, s.lastWords(p))
		}
		if s.healthy(p) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			c.worked = true
			return nil
		}
		select {
		case <-c.ended:
		case <-again.C:
		case <-deadline:
			return fmt.Errorf("%s does not answer after %v: %s", p.name, startTimeout, s.lastWords(p))
		}
	}
}

// lastWords is the last line of a component's log.
func (s *supervisor) lastWords(p part) string {
	text, _ := os.ReadFile(s.cluster.path("logs", p.name+".log"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

func (s *supervisor) healthy(p part) bool {
	if p.health == "" {
		return true
	}
	if strings.HasPrefix(p.health, "/") {
		connection, err := net.Dial("unix", p.health)
		if err != nil {
			return false
		}
		connection.Close()
		return true
	}
	response, err := s.client.Get(p.health)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// healthClient trusts the cluster's authority and shows the cluster's own client certificate.
func healthClient(c *Cluster) *http.Client {
	pool := x509.NewCertPool()
	if text, err := os.ReadFile(c.path("pki", "ca.crt")); err == nil {
		pool.AppendCertsFromPEM(text)
	}
	settings := &tls.Config{RootCAs: pool}
	if pair, err := tls.LoadX509KeyPair(c.path("pki", "client.crt"), c.path("pki", "client.key")); err == nil {
		settings.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true},
	}
}

// forward relays every connection that a listener accepts to an address in this process's network.
func forward(file *os.File, address string) {
	listener, err := net.FileListener(file)
	if err != nil {
		log.Fatalf("listen for the API server: %v", err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatalf("accept for the API server: %v", err)
		}
		go func() {
			defer client.Close()
			server, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer server.Close()
			go relay(server, client)
			relay(client, server)
		}()
	}
}

// relay copies one direction of a connection and passes on its end.
func relay(to, from net.Conn) {
	io.Copy(to, from)
	to.(*net.TCPConn).CloseWrite()
}
