package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// recordKEDA runs ScaledObjects under KEDA's own operator and metrics adapter, from the
// directory that .ci/tools/build keda printed, and writes what became of the replicas
// to keda.jsonl in out, in the form of sim/testdata/keda.jsonl.
func recordKEDA(ctx context.Context, p *plane, programs, out string) error {
	watched, err := watch(ctx, p.config)
	if err != nil {
		return err
	}
	load := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "load", Help: "Requests a second."}, []string{"app"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(load)
	exporter := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer exporter.Close()
	source, err := p.startPrometheus(ctx, strings.TrimPrefix(exporter.URL, "http://"), time.Second)
	if err != nil {
		return err
	}
	trials := kedaTrials()
	for i := range trials {
		t := &trials[i]
		for _, in := range t.Inputs[:min(1, len(t.Inputs))] {
			setLoad(load, t.Name, in)
		}
		if err := p.deploy(ctx, t.Name, t.StartReplicas, "1s", "1s"); err != nil {
			return err
		}
	}
	if err := p.startKEDA(ctx, programs); err != nil {
		return err
	}
	// The objects are created 20 s before a whole minute, at which cron can begin.
	zero := time.Now().Add(25 * time.Second).Truncate(time.Minute).Add(time.Minute)
	if err := until(ctx, zero.Add(-20*time.Second)); err != nil {
		return err
	}
	gate, err := newGate(source.url)
	if err != nil {
		return err
	}
	defer gate.Close()
	for i := range trials {
		t := &trials[i]
		watched.begin(t.Name, nil)
		if err := p.client.Create(ctx, t.object(zero, gate.URL)); err != nil {
			return err
		}
	}
	for second := -19; second <= kedaLength; second++ {
		if err := errors.Join(until(ctx, zero.Add(time.Duration(second)*time.Second)), p.running()); err != nil {
			return err
		}
		for i := range trials {
			t := &trials[i]
			for _, in := range t.Inputs {
				if in.T == second {
					setLoad(load, t.Name, in)
				}
			}
			for _, o := range t.Outages {
				if o.From == second || o.To == second {
					gate.shut(t.Name, o.From == second)
				}
			}
			if err := p.changeKEDA(ctx, t, second); err != nil {
				return err
			}
		}
	}
	return writeKEDA(ctx, p, watched, trials, zero, out)
}

// setLoad sets the load of a trial, or ends its series.
func setLoad(load *prometheus.GaugeVec, name string, in kedaInput) {
	if in.Value == nil {
		load.DeleteLabelValues(name)
		return
	}
	load.WithLabelValues(name).Set(*in.Value)
}

// until waits for an instant.
func until(ctx context.Context, at time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(at)):
		return nil
	}
}

// startKEDA installs KEDA's custom resources and starts its operator and adapter.
func (p *plane) startKEDA(ctx context.Context, programs string) error {
	if _, err := envtest.InstallCRDs(p.config, envtest.CRDInstallOptions{Paths: []string{filepath.Join(programs, "crd")}}); err != nil {
		return fmt.Errorf("custom resources of KEDA: %w", err)
	}
	var ports [5]string
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return err
		}
	}
	certificates := filepath.Join(p.directory, "keda-certificates")
	if err := writeCertificate(certificates); err != nil {
		return err
	}
	for name, value := range map[string]string{"WATCH_NAMESPACE": "", "POD_NAMESPACE": "default", "KEDA_CLUSTER_OBJECT_NAMESPACE": "default"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	admin, local := filepath.Join(p.directory, "admin.kubeconfig"), "127.0.0.1:"
	if err := p.start("keda-operator", filepath.Join(programs, "operator"), "--kubeconfig", admin, "--cert-dir", certificates,
		"--metrics-bind-address", local+ports[0], "--health-probe-bind-address", local+ports[1], "--metrics-service-bind-address", local+ports[2]); err != nil {
		return err
	}
	// The API server of these tests has no certificate to show to the adapter.
	reader := metav1.ObjectMeta{Name: "external-metrics-reader"}
	role := &rbacv1.ClusterRole{ObjectMeta: reader, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{metricsGroup}, Resources: []string{"*"}, Verbs: []string{"*"}},
		{NonResourceURLs: []string{"/apis", "/apis/" + metricsGroup, "/apis/" + metricsGroup + "/*"}, Verbs: []string{"get"}}, // discovery, else 403
	}}
	bound := &rbacv1.ClusterRoleBinding{ObjectMeta: reader, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: reader.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "system:anonymous"}, {APIGroup: rbacv1.GroupName, Kind: "Group", Name: "system:authenticated"}}}
	if err := errors.Join(p.client.Create(ctx, role), p.client.Create(ctx, bound)); err != nil {
		return err
	}
	if err := p.start("keda-adapter", filepath.Join(programs, "adapter"), "--kubeconfig", admin, "--lister-kubeconfig", admin,
		"--authentication-kubeconfig", admin, "--authorization-kubeconfig", admin, "--authentication-skip-lookup",
		"--cert-dir", certificates, "--tls-cert-file", filepath.Join(certificates, "tls.crt"), "--tls-private-key-file", filepath.Join(certificates, "tls.key"),
		"--secure-port", ports[3], "--port", ports[4], "--metrics-service-address", "localhost:"+ports[2]); err != nil {
		return err
	}
	if err := p.registerMetrics(ctx, ports[3]); err != nil {
		return err
	}
	return eventually(ctx, "external metrics are served", func() error {
		service := &unstructured.Unstructured{}
		service.SetAPIVersion("apiregistration.k8s.io/v1")
		service.SetKind("APIService")
		if err := errors.Join(p.running(), p.client.Get(ctx, client.ObjectKey{Name: "v1beta1." + metricsGroup}, service)); err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(service.Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == "Available" && c["status"] == "True" {
				return nil
			}
		}
		return fmt.Errorf("%v", conditions)
	})
}

// writeCertificate writes a certificate that operator and adapter show to each other.
func writeCertificate(directory string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "keda"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	return errors.Join(os.WriteFile(filepath.Join(directory, "ca.crt"), public, 0o600), os.WriteFile(filepath.Join(directory, "tls.crt"), public, 0o600),
		os.WriteFile(filepath.Join(directory, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600))
}

// writeKEDA writes the traces of all trials.
func writeKEDA(ctx context.Context, p *plane, watched *cluster, trials []kedaTrial, zero time.Time, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	for i := range trials {
		t := &trials[i]
		created := t.object(zero, "")
		if err := p.client.Get(ctx, client.ObjectKey{Namespace: t.Name, Name: t.Name}, created); err != nil {
			return err
		}
		since := created.GetCreationTimestamp().Sub(zero).Seconds()
		spec, _ := watched.course(t.Name)
		t.Observed = []kedaCount{{T: since, Replicas: t.StartReplicas}}
		for _, s := range spec {
			if at := s[0] - float64(zero.Unix()); at > since && int32(s[1]) != t.Observed[len(t.Observed)-1].Replicas {
				t.Observed = append(t.Observed, kedaCount{T: math.Round(at*10) / 10, Replicas: int32(s[1])})
			}
		}
		t.Zero = zero.UTC().Format(time.TimeOnly)
		t.ScaledObject = t.asRecorded(zero)
		line, err := json.Marshal(t)
		if err != nil {
			return err
		}
		text.Write(append(line, '\n'))
	}
	return os.WriteFile(filepath.Join(out, "keda.jsonl"), []byte(text.String()), 0o644)
}
