package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// authority is a certificate authority for one control plane, in one directory,
// that appears at once: it is complete, or there is none.
type authority struct {
	dir    string
	server string // URL of the API server
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// subject is who a certificate names; it serves clients and servers.
type subject struct {
	file  string
	name  string
	group string
	dns   []string
	ips   []net.IP
}

// openAuthority takes the certificates that are there, or issues new ones, and
// writes the kubeconfigs of the components.
func openAuthority(o options) (*authority, error) {
	a := &authority{
		dir:    filepath.Join(o.dir, "pki"),
		server: "https://" + net.JoinHostPort(o.address, fmt.Sprint(o.port)),
	}
	subjects, clients, err := members(o)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(a.dir); errors.Is(err, fs.ErrNotExist) {
		if err := a.issueAll(subjects); err != nil {
			return nil, err
		}
	}
	for _, c := range clients {
		if err := a.kubeconfig(a.kubeconfigPath(c), c); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// members returns who gets a certificate, and which of them a kubeconfig.
func members(o options) (list []subject, clients []string, err error) {
	serviceIP, err := firstAddress(o.serviceCIDR)
	if err != nil {
		return nil, nil, err
	}
	list = []subject{
		{
			file: "apiserver", name: "kube-apiserver",
			dns: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			ips: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(o.address), serviceIP},
		},
		{file: "apiserver-kubelet-client", name: "kube-apiserver-kubelet-client", group: "system:masters"},
		{file: "front-proxy-client", name: "front-proxy-client"},
		{file: "kubelet", name: "kubelet", ips: []net.IP{net.ParseIP(kubeletAddress)}},
		{file: "admin", name: "kubernetes-admin", group: "system:masters"},
		{file: "controller-manager", name: "system:kube-controller-manager"},
		{file: "scheduler", name: "system:kube-scheduler"},
		{file: "kwok", name: "kwok", group: "system:masters"},
	}
	clients = []string{"admin", "controller-manager", "scheduler", "kwok"}
	if o.realNode == "" {
		return list, clients, nil
	}
	node, ip, _ := strings.Cut(o.realNode, "=")
	if net.ParseIP(ip) == nil {
		return nil, nil, fmt.Errorf("-real-node is %q: it must be NAME=IP", o.realNode)
	}
	list = append(list,
		subject{file: "kube-proxy", name: "system:kube-proxy"},
		subject{file: "kubelet-" + node, name: "system:node:" + node, group: "system:nodes", dns: []string{node}, ips: []net.IP{net.ParseIP(ip)}})
	return list, append(clients, "kube-proxy", "kubelet-"+node), nil
}

// firstAddress returns the address of Service default/kubernetes.
func firstAddress(cidr string) (net.IP, error) {
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return nil, err
	}
	ip := append(net.IP(nil), network.IP...)
	ip[len(ip)-1]++
	return ip, nil
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) kubeconfigPath(client string) string { return a.path(client + ".kubeconfig") }

// issueAll makes the directory under another name, so that it is never half full.
func (a *authority) issueAll(subjects []subject) error {
	final := a.dir
	a.dir = final + ".new"
	defer func() { a.dir = final }()
	if err := os.RemoveAll(a.dir); err != nil {
		return err
	}
	if err := os.Mkdir(a.dir, 0o700); err != nil {
		return err
	}
	if err := a.begin(); err != nil {
		return err
	}
	for _, s := range subjects {
		if err := a.issue(s); err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
	}
	return os.Rename(a.dir, final)
}

// begin makes the authority itself, and the key that signs the tokens of
// service accounts.
func (a *authority) begin() error {
	tokens, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(tokens)
	if err != nil {
		return err
	}
	if err := a.write("sa.key", "EC PRIVATE KEY", der); err != nil {
		return err
	}
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	a.cert = a.template("kubelab", "")
	a.cert.IsCA, a.cert.BasicConstraintsValid = true, true
	a.cert.KeyUsage |= x509.KeyUsageCertSign
	return a.sign("ca", a.cert, a.key)
}

func (a *authority) issue(s subject) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := a.template(s.name, s.group)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	c.DNSNames, c.IPAddresses = s.dns, s.ips
	return a.sign(s.file, c, key)
}

func (a *authority) template(name, group string) *x509.Certificate {
	a.serial++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if group != "" {
		c.Subject.Organization = []string{group}
	}
	return c
}

// sign writes a certificate and its key.
func (a *authority) sign(file string, c *x509.Certificate, key *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	if err := a.write(file+".crt", "CERTIFICATE", der); err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return a.write(file+".key", "PRIVATE KEY", private)
}

func (a *authority) write(file, kind string, der []byte) error {
	return os.WriteFile(a.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// kubeconfig writes, at once, a kubeconfig that needs no other file.
func (a *authority) kubeconfig(file, client string) error {
	c := api.NewConfig()
	cluster, user, link := api.NewCluster(), api.NewAuthInfo(), api.NewContext()
	cluster.Server, cluster.CertificateAuthority = a.server, a.path("ca.crt")
	user.ClientCertificate, user.ClientKey = a.path(client+".crt"), a.path(client+".key")
	link.Cluster, link.AuthInfo = "kubelab", client
	c.Clusters["kubelab"], c.AuthInfos[client], c.Contexts["kubelab"] = cluster, user, link
	c.CurrentContext = "kubelab"
	if err := api.FlattenConfig(c); err != nil {
		return err
	}
	if err := clientcmd.WriteToFile(*c, file+".new"); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
