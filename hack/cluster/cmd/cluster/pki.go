package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of one cluster.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// newAuthority makes a certificate authority and writes pki/ca.crt and pki/ca.key.
func newAuthority(c *Cluster) (*authority, error) {
	a := &authority{}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "formation-cluster-" + c.Name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	certPEM, keyPEM, err := a.sign(template)
	if err != nil {
		return nil, err
	}
	if err := writePair(c.path("pki", "ca"), certPEM, keyPEM); err != nil {
		return nil, err
	}
	return loadAuthority(c)
}

func loadAuthority(c *Cluster) (*authority, error) {
	certPEM, err := os.ReadFile(c.path("pki", "ca.crt"))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(c.path("pki", "ca.key"))
	if err != nil {
		return nil, err
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("%s: ca.crt or ca.key is not PEM", c.path("pki"))
	}
	certificate, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	return &authority{certificate, key, certPEM}, err
}

// sign makes a key and a certificate for it; an authority without a key of its own signs itself.
func (a *authority) sign(template *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().AddDate(1, 0, 0)
	parent, signer := template, key
	if a.key != nil {
		parent, signer = a.certificate, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), nil
}

// server writes the pair pki/NAME.crt and .key of a server known by the cluster's addresses.
func (a *authority) server(c *Cluster, name string) error {
	certPEM, keyPEM, err := a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", nodeName, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(nodeIP), net.ParseIP(serviceIP)},
	})
	if err != nil {
		return err
	}
	return writePair(c.path("pki", name), certPEM, keyPEM)
}

// serviceAccountKey writes pki/service-account.key and .pub, which sign and verify tokens.
func serviceAccountKey(c *Cluster) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	err = os.WriteFile(c.path("pki", "service-account.key"),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600)
	if err != nil {
		return err
	}
	return os.WriteFile(c.path("pki", "service-account.pub"),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600)
}

// client makes the pair of a user, who is a member of groups.
func (a *authority) client(user string, groups []string) (certPEM, keyPEM []byte, err error) {
	return a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// kubeconfig writes a kubeconfig with a client certificate of its own for a user and its groups.
func (a *authority) kubeconfig(c *Cluster, path, user string, groups []string) error {
	certPEM, keyPEM, err := a.client(user, groups)
	if err != nil {
		return err
	}
	encode := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
users:
- name: %[4]q
  user:
    client-certificate-data: %[5]s
    client-key-data: %[6]s
contexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[4]q
current-context: %[1]s
`, "formation-"+c.Name, c.url(), encode(a.pem), user, encode(certPEM), encode(keyPEM))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

func writePair(path string, certPEM, keyPEM []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".crt", certPEM, 0o600); err != nil {
		return err
	}
	return os.WriteFile(path+".key", keyPEM, 0o600)
}

// makePKI makes every key, certificate and kubeconfig that the cluster's components use.
func makePKI(c *Cluster) error {
	a, err := newAuthority(c)
	if err != nil {
		return err
	}
	for _, name := range []string{"kube-apiserver", "kubelet", "controllers"} {
		if err := a.server(c, name); err != nil {
			return err
		}
	}
	if err := serviceAccountKey(c); err != nil {
		return err
	}
	for _, user := range []struct{ path, name, group string }{
		{"kubeconfig", "kubernetes-admin", "system:masters"},
		{"components/kube-controller-manager.kubeconfig", "system:kube-controller-manager", ""},
		{"components/kube-scheduler.kubeconfig", "system:kube-scheduler", ""},
		{"components/kube-proxy.kubeconfig", "system:kube-proxy", ""},
		{"components/kubelet.kubeconfig", "system:node:" + nodeName, "system:nodes"},
	} {
		var groups []string
		if user.group != "" {
			groups = []string{user.group}
		}
		if err := a.kubeconfig(c, c.path(user.path), user.name, groups); err != nil {
			return err
		}
	}
	certPEM, keyPEM, err := a.client("formation-cluster", []string{"system:masters"})
	if err != nil {
		return err
	}
	return writePair(c.path("pki", "client"), certPEM, keyPEM)
}

// url is the API server's address on this machine and, the same, in the cluster's network.
func (c *Cluster) url() string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.Ports.APIServer)
}
