package awstest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// A protocol is one of AWS' ways to write requests and answers.
type protocol int

const (
	query    protocol = iota // a form, answered in XML: autoscaling, monitoring
	jsonRPC                  // a JSON document, the operation in a header: sqs
	restJSON                 // a JSON document, the operation in method and path: eks
)

func (p protocol) contentType() string {
	return map[protocol]string{query: "text/xml", jsonRPC: "application/x-amz-json-1.0", restJSON: "application/json"}[p]
}

// A call is a request as it was understood.
type call struct {
	protocol                        protocol
	key, service, region, operation string
	form                            url.Values     // of query
	document                        map[string]any // of the others
	path                            []string       // of restJSON
}

// readCall understands a request, going by what it was signed for.
func readCall(r *http.Request) (*call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") == "AssumeRoleWithWebIdentity" {
		return &call{service: "sts", operation: form.Get("Action"), form: form}, nil
	}
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope := strings.Split(strings.SplitN(credential, ",", 2)[0], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" {
		return nil, fmt.Errorf("the request is not signed: Authorization is %q", r.Header.Get("Authorization"))
	}
	c := &call{key: scope[0], region: scope[2], service: scope[3]}
	switch c.service {
	case "autoscaling", "monitoring":
		c.protocol = query
		if c.form, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		c.operation = c.form.Get("Action")
		return c, nil
	case "sqs":
		c.protocol = jsonRPC
		c.operation = strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	case "eks":
		c.protocol = restJSON
		c.path = strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		switch {
		case len(c.path) == 4 && c.path[2] == "node-groups" && r.Method == http.MethodGet:
			c.operation = "DescribeNodegroup"
			return c, nil
		case len(c.path) == 5 && c.path[4] == "update-config" && r.Method == http.MethodPost:
			c.operation = "UpdateNodegroupConfig"
		default:
			return nil, fmt.Errorf("no such resource: %s %s", r.Method, r.URL.Path)
		}
	default:
		return nil, fmt.Errorf("no such service: %q", c.service)
	}
	return c, json.Unmarshal(body, &c.document)
}

// assumeRole grants credentials to a web identity.
func (s *Server) assumeRole(c *call) (any, *Refusal) {
	if c.form.Get("WebIdentityToken") == "" || c.form.Get("RoleArn") == "" {
		return nil, &Refusal{Code: "InvalidIdentityToken", Message: "a token and a role are needed"}
	}
	type credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	return struct{ Credentials credentials }{credentials{"ASIAEXAMPLE", "secret", "token", "2100-01-01T00:00:00Z"}}, nil
}

// names are the resources that a call is about.
func (c *call) names() []string {
	switch c.protocol {
	case restJSON:
		return []string{c.path[1] + "/" + c.path[3]}
	case jsonRPC:
		if address := c.text("QueueUrl"); address != "" {
			return []string{address[strings.LastIndex(address, "/")+1:]}
		}
		return []string{c.text("QueueName")}
	}
	if c.operation == "GetMetricData" {
		return c.members("MetricDataQueries.member.%d.MetricStat.Metric.Dimensions.member.1.Value")
	}
	if name := c.form.Get("AutoScalingGroupName"); name != "" {
		return []string{name}
	}
	return c.members("AutoScalingGroupNames.member.%d")
}

// text is a field of a JSON document.
func (c *call) text(field string) string {
	value, _ := c.document[field].(string)
	return value
}

// members are the values of a list of a form.
func (c *call) members(pattern string) []string {
	var values []string
	for i := 1; c.form.Has(fmt.Sprintf(pattern, i)); i++ {
		values = append(values, c.form.Get(fmt.Sprintf(pattern, i)))
	}
	return values
}

// encode writes an answer in the call's protocol.
func (c *call) encode(answer any) []byte {
	if c.protocol != query {
		return must(json.Marshal(answer))
	}
	var result bytes.Buffer
	encoder := xml.NewEncoder(&result)
	if err := encoder.EncodeElement(answer, xml.StartElement{Name: xml.Name{Local: c.operation + "Result"}}); err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, "<%sResponse>%s</%[1]sResponse>", c.operation, result.Bytes())
}

// must is for values of this package's own types, which all can be encoded.
func must(body []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return body
}
