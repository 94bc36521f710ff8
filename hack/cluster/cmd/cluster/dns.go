package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"regexp"

	"golang.org/x/net/dns/dnsmessage"
)

// serviceName matches what Services are called in DNS: NAME.NAMESPACE.svc.cluster.local.
var serviceName = regexp.MustCompile(`^(?i)([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local\.$`)

// nameServer answers pods' questions for the addresses of Services. It asks the API server each time, so it
// is never behind. No other name exists for it: nothing else can be reached from the cluster's network.
type nameServer struct {
	cluster *Cluster
	client  *http.Client
}

// dns is the command `cluster dns DIR`, one of a node's components.
func dns(args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c, err := loadFrom(args[0])
	if err != nil {
		return err
	}
	s := &nameServer{cluster: c, client: healthClient(c)}
	questions, err := net.ListenPacket("udp4", nodeIP+":53")
	if err != nil {
		return err
	}
	health, err := net.Listen("tcp4", "127.0.0.1:10053")
	if err != nil {
		return err
	}
	go http.Serve(health, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for {
		packet := make([]byte, 512)
		length, from, err := questions.ReadFrom(packet)
		if err != nil {
			return err
		}
		go func() {
			answer, err := s.answer(packet[:length])
			if err != nil {
				log.Printf("question of %v: %v", from, err)
				return
			}
			questions.WriteTo(answer, from)
		}()
	}
}

// answer makes the response to a packet with a question.
func (s *nameServer) answer(packet []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(packet)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	response := dnsmessage.Message{
		Header: dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true,
			RecursionDesired: header.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	address, err := s.address(question.Name.String())
	switch {
	case err != nil:
		log.Print(err)
		response.RCode = dnsmessage.RCodeServerFailure
	case address == nil:
		response.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		response.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte(address)},
		}}
	}
	return response.Pack()
}

// address is the IPv4 address of the Service that a name stands for, nil when there is none.
func (s *nameServer) address(name string) (net.IP, error) {
	match := serviceName.FindStringSubmatch(name)
	if match == nil {
		return nil, nil
	}
	response, err := s.client.Get(fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s", s.cluster.url(), match[2], match[1]))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get service %s/%s: %s", match[2], match[1], response.Status)
	}
	var service struct{ Spec struct{ ClusterIP string } }
	if err := json.NewDecoder(response.Body).Decode(&service); err != nil {
		return nil, err
	}
	return net.ParseIP(service.Spec.ClusterIP).To4(), nil // nil for a headless one
}
