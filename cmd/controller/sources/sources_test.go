package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// TestLoadRefuses holds that what is wrong is said with file, line and field, and
// that nothing that may be a secret is repeated.
func TestLoadRefuses(t *testing.T) {
	const good = "  - name: a\n    url: http://a:9090\n"
	cases := map[string]struct{ reason, text, want string }{
		"Empty":      {"nothing is no source", "", "f.yaml:1: sources: want at least one"},
		"NoSources":  {"nor an empty list", "sources: []\n", "f.yaml:1: sources: want at least one"},
		"Unknown":    {"a misspelt key", "sources:\n" + good + "    tennant: x\n", "f.yaml:4: sources[0].tennant: unknown field; did you mean tenant?"},
		"TopLevel":   {"another key", "source: []\n", "f.yaml:1: source: unknown field; did you mean sources?"},
		"Type":       {"a list that is none", "sources:\n  name: a\n", "f.yaml:2: sources: a map stands there, and a list is wanted"},
		"Syntax":     {"no YAML", "sources:\n  - name: [a\n", "f.yaml:"},
		"Two":        {"a second document", "sources:\n" + good + "---\nsources: []\n", "f.yaml:4: one YAML document is wanted"},
		"Name":       {"a name that none can name", "sources:\n  - name: A b\n    url: http://a\n", `f.yaml:2: sources[0].name: "A b": want lower case letters`},
		"NoName":     {"no name", "sources:\n  - url: http://a\n", `f.yaml:2: sources[0].name: "": want`},
		"Twice":      {"one name twice", "sources:\n" + good + good, "f.yaml:4: sources[1].name: a is the name of an earlier source"},
		"URL":        {"no address", "sources:\n  - name: a\n    url: a:9090\n", "f.yaml:3: sources[0].url: want http://HOST:PORT"},
		"Password":   {"a password in the address", "sources:\n  - name: a\n    url: http://me:hunter2@a\n", "f.yaml:3: sources[0].url: has credentials in it"},
		"Tenant":     {"no header", "sources:\n" + good + "    tenant: \"a\\nb\"\n", "f.yaml:4: sources[0].tenant: can be no value of a header"},
		"Enforce":    {"no label", "sources:\n" + good + "    enforceLabel: a.b\n", `f.yaml:4: sources[0].enforceLabel: "a.b": want the name of a label`},
		"Labels":     {"no name of a label", "sources:\n" + good + "    labels: {a.b: x}\n", `f.yaml:4: sources[0].labels: "a.b": want the name of a label`},
		"LabelEmpty": {"no value", "sources:\n" + good + "    labels: {a: \"\"}\n", "f.yaml:4: sources[0].labels: a: want a value"},
		"LabelTwice": {"two values of one label", "sources:\n" + good + "    enforceLabel: ns\n    labels: {ns: x}\n", "f.yaml:5: sources[0].labels: ns is enforceLabel, too"},
		"HTTP":       {"what promtool refuses", "sources:\n" + good + "    http: {bearer_token: hunter2, basic_auth: {username: me}}\n", "f.yaml:4: sources[0].http: at most one of"},
		"HTTPField":  {"a misspelt field in it", "sources:\n" + good + "    http:\n      basic_auth: {user: me, password: hunter2}\n", "f.yaml:5: sources[0].http.basic_auth.user: unknown field; what stands there is promtool's"},
		"HTTPValue":  {"a value of another type", "sources:\n" + good + "    http: {basic_auth: hunter2}\n", "f.yaml:4: sources[0].http.basic_auth: a single value stands there, and a map is wanted"},
		"Signed":     {"two ways to say who asks", "sources:\n" + good + "    http: {authorization: {credentials: hunter2}}\n    sigv4: {region: eu}\n", "f.yaml:5: sources[0].sigv4: signs requests"},
		"SigV4Field": {"what signs has fields of its own", "sources:\n" + good + "    sigv4: {secret_key: hunter2}\n", "f.yaml:4: sources[0].sigv4.secret_key: unknown field; want region, profile, roleARN"},
		"Role":       {"no role", "sources:\n" + good + "    sigv4:\n      region: eu\n      roleARN: reader\n", "f.yaml:6: sources[0].sigv4.roleARN: want the ARN of a role"},
		"Port":       {"a port that there is not", "sources:\n  - name: a\n    url: http://a:99999\n", "f.yaml:3: sources[0].url: want http://HOST:PORT"},
		"KeyTwice":   {"which one is meant?", "sources:\n  - name: a\n    name: b\n    url: http://a\n", "f.yaml:3: name: set at line 2 already"},
		"Scalar":     {"a text that is a list", "sources:\n" + good + "    labels: {a: [1]}\n", "f.yaml:4: sources[0].labels.a: a list stands there, and text is wanted"},
		"Word":       {"a file that is a word", "hunter\n", "f.yaml:1: file: a single value stands there, and a map is wanted"},
		"SecondHTTP": {"what promtool refuses of the second", "sources:\n" + good + "  - name: b\n    url: http://b\n    http: {authorization: {type: Basic}}\n", "f.yaml:6: sources[1].http: authorization type cannot be set"},
		"Bytes":      {"no text", "sources:\n  - name: \xff\n", "f.yaml:2: no UTF-8"},
		"Long":       {"a file that cannot be meant", "# " + strings.Repeat("x", maxFileBytes), "more than 1048576 bytes"},
		"Many":       {"more than anybody has", "sources:\n" + strings.Repeat(good, 101), "f.yaml:202: sources: 101 of them; at most 100"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("f.yaml", []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := Load("f.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
			}
		})
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}

// TestNewRefuses holds that a file whose sources cannot be built is refused with line
// and field, too.
func TestNewRefuses(t *testing.T) {
	const good = "sources:\n  - {name: a, url: http://a}\n"
	for _, c := range []struct{ reason, text, want string }{
		{"a certificate that there is not", good + "  - name: b\n    url: http://b\n    http: {tls_config: {ca_file: none.pem}}\n", ":5: sources[1].http: "},
		{"nobody signs", good + "  - name: b\n    url: http://b\n    sigv4: {region: eu}\n", ":5: sources[1].sigv4: this controller cannot sign requests"},
	} {
		path := filepath.Join(t.TempDir(), "sources.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Own: &own{}, Path: path, Registry: client.NewRegistry()}); err == nil || !strings.HasPrefix(err.Error(), path+c.want) {
			t.Errorf("%s: got %v, want %s", c.reason, err, path+c.want)
		}
	}
	signs := func(SigV4, http.RoundTripper) (http.RoundTripper, error) { return nil, errors.New("no credentials") }
	path := filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(path, []byte(good+"  - name: b\n    url: http://b\n    sigv4: {region: eu}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Own: &own{}, Path: path, Registry: client.NewRegistry(), Sign: signs}); err == nil || err.Error() != path+":5: sources[1].sigv4: no credentials" {
		t.Errorf("what signs fails: got %v", err)
	}
}

// A server answers with its number, and keeps what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serve(t *testing.T, value int) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, strings.Join([]string{r.FormValue("query"), r.Header.Get("X-Scope-OrgID"), r.Header.Get("Authorization")}, "|"))
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"%d"]}]}}`, r.FormValue("time"), value)
	}))
	t.Cleanup(s.Close)
	return s
}

// own answers with 1.
type own struct{ texts []string }

func (o *own) QueryAll(_ context.Context, queries []cycle.Query, _ time.Time, _ time.Duration, answers []cycle.Answer) {
	for i := range queries {
		o.texts = append(o.texts, queries[i].Text)
		answers[i].Result = cycle.Result{Samples: 1, Value: 1}
	}
}

// opened are sources over a file that says text.
func opened(t *testing.T, o Options, text string) (*Sources, func(text string)) {
	t.Helper()
	o.Path = filepath.Join(t.TempDir(), "sources.yaml")
	rewrite := func(text string) {
		t.Helper()
		if err := os.WriteFile(o.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(text)
	o.Registry = client.NewRegistry()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, rewrite
}

func ask(s *Sources, queries ...cycle.Query) string {
	answers := make([]cycle.Answer, len(queries))
	s.QueryAll(context.Background(), queries, time.Unix(1767600000, 0), time.Second, answers)
	var got []string
	for _, a := range answers {
		got = append(got, fmt.Sprintf("%v%s", a.Result.Value, cycle.Code(a.Err)))
	}
	return strings.Join(got, " ")
}

// TestSources holds that each query goes to its own server with that one's tenant,
// credentials and labels, that answers keep their places, and that one source's
// trouble is no other's.
func TestSources(t *testing.T) {
	a, b := serve(t, 2), serve(t, 3)
	nobody := httptest.NewServer(nil)
	nobody.Close()
	mine := &own{}
	s, _ := opened(t, Options{Own: mine, EnforceLabel: "namespace"}, fmt.Sprintf(`sources:
  - name: a
    url: %s/prefix
    tenant: team
    labels: {cluster: eu1}
    http: {authorization: {credentials_file: token}}
  - {name: b, url: %s, enforceLabel: ns}
  - {name: gone, url: %s}
`, a.URL, b.URL, nobody.URL))
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.o.Path), "token"), []byte("t1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	q := func(source, text string) cycle.Query {
		return cycle.Query{Namespace: "shop", Source: source, Text: text}
	}
	got := ask(s, q("", "x"), q("b", "x"), q("a", "x"), q("none", "x"), q("gone", "x"), q("a", `y{cluster="us"}`), q("b", `z{ns="lab"}`), q("", "y"))
	if want := "1 3 2 0NotFound 0Unavailable 0Forbidden 0Forbidden 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range []struct {
		server *server
		want   string
	}{
		{a, `["x{cluster=\"eu1\",namespace=\"shop\"}|team|Bearer t1"]`},
		{b, `["x{ns=\"shop\"}||"]`},
	} {
		if text, _ := json.Marshal(c.server.asked); string(text) != c.want {
			t.Errorf("asked %s, want %s", text, c.want)
		}
	}
	if strings.Join(mine.texts, " ") != "x y" {
		t.Errorf("our own was asked %q", mine.texts)
	}
	answers := make([]cycle.Answer, 1)
	s.QueryAll(context.Background(), []cycle.Query{q("none", "x")}, time.Now(), time.Second, answers)
	if got := cycle.Sentence(answers[0].Err); got != "there is no source none; --metrics-sources has a, b, gone" || cycle.Code(answers[0].Err) != observation.NotFound {
		t.Errorf("the condition says %q", got)
	}
	without, err := New(Options{Own: mine})
	if err != nil {
		t.Fatal(err)
	}
	without.QueryAll(context.Background(), []cycle.Query{q("a", "x")}, time.Now(), time.Second, answers)
	if got := cycle.Sentence(answers[0].Err); got != "there is no source a: this controller was started without --metrics-sources" {
		t.Errorf("the condition says %q", got)
	}
}

// TestReload holds that a file that becomes wrong leaves the last good one in force
// and says so, once in the log, and that the next good one ends that.
func TestReload(t *testing.T) {
	a, b := serve(t, 2), serve(t, 3)
	var log []string
	clock := clocktesting.NewFakeClock(time.Unix(1767600000, 0))
	var told []string
	tell := func(name, address string, source cycle.Querier) {
		r, err := source.Query(context.Background(), "up", time.Unix(1767600000, 0))
		told = append(told, fmt.Sprint(name, " ", address, " ", r.Value, " ", err))
	}
	s, rewrite := opened(t, Options{Own: &own{}, Opened: tell, Clock: clock, Log: funcr.New(func(_, args string) { log = append(log, args) }, funcr.Options{})}, "sources: [{name: a, url: "+a.URL+"}]\n")
	valid := func() float64 { return testutil.ToFloat64(s.valid) }
	q := cycle.Query{Source: "a", Text: "x"}
	s.Reload() // nothing has changed
	if len(log) != 0 || valid() != 1 || s.Notice("a") != "" {
		t.Fatalf("%q, valid %v, %q", log, valid(), s.Notice("a"))
	}
	rewrite("sources:\n  - {name: a, url: nowhere}\n")
	for range 3 {
		s.Reload()
	}
	want := s.o.Path + ":2: sources[0].url: want http://HOST:PORT or https://HOST:PORT, with the prefix of the API if it has one: the last good file of sources stays in force"
	if ask(s, q) != "2" || valid() != 0 || s.Notice("a") != want || s.Notice("") != "" || len(log) != 1 {
		t.Errorf("%s, valid %v, notice %q, log %q", ask(s, q), valid(), s.Notice("a"), log)
	}
	if err := os.Remove(s.o.Path); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if ask(s, q) != "2" || valid() != 0 || !strings.Contains(s.Notice("a"), "no such file") {
		t.Errorf("without a file: %s, %q", ask(s, q), s.Notice("a"))
	}
	rewrite("sources: [{name: a, url: " + b.URL + "}, {name: b, url: " + b.URL + "}]\n")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = s.Start(ctx) }()
	for !clock.HasWaiters() {
		time.Sleep(time.Millisecond)
	}
	clock.Step(reloadEvery)
	for deadline := time.Now().Add(10 * time.Second); s.Notice("a") != "" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := ask(s, cycle.Query{Source: "a", Text: "later"}, cycle.Query{Source: "b", Text: "later"}); got != "3 3" || valid() != 1 || s.Notice("a") != "" {
		t.Errorf("%s, valid %v, notice %q", got, valid(), s.Notice("a"))
	}
	if want := []string{"a " + a.URL + " 2 <nil>", "a " + b.URL + " 3 <nil>", "b " + b.URL + " 3 <nil>"}; !slices.Equal(told, want) {
		t.Errorf("opened %q, want %q", told, want)
	}
}
