package awstest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Queue is an SQS queue.
type Queue struct {
	Name, Account     string // Account if empty
	Visible, InFlight int64
	// Ages are the last samples of ApproximateAgeOfOldestMessage in seconds,
	// newest first, a minute apart.
	Ages []float64
}

// PutQueue adds or replaces a queue.
func (s *Server) PutQueue(region string, queue Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[key{region, queue.Name}] = &queue
}

// DropQueue removes a queue.
func (s *Server) DropQueue(region, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, key{region, name})
}

func (s *Server) getQueueURL(c *call) (any, *Refusal) {
	queue := s.queues[key{c.region, c.text("QueueName")}]
	if queue == nil || c.text("QueueOwnerAWSAccountId") != account(queue.Account) {
		return nil, noQueue(c)
	}
	return map[string]string{"QueueUrl": fmt.Sprintf("%s/%s/%s", s.url, account(queue.Account), queue.Name)}, nil
}

func (s *Server) getQueueAttributes(c *call) (any, *Refusal) {
	queue := s.queues[key{c.region, c.names()[0]}]
	if queue == nil {
		return nil, noQueue(c)
	}
	values := map[string]int64{
		"ApproximateNumberOfMessages":           queue.Visible,
		"ApproximateNumberOfMessagesNotVisible": queue.InFlight,
	}
	attributes := map[string]string{}
	wanted, _ := c.document["AttributeNames"].([]any)
	for _, name := range wanted {
		value, known := values[fmt.Sprint(name)]
		if !known {
			return nil, &Refusal{Code: "InvalidAttributeName", Message: fmt.Sprint(name)}
		}
		attributes[fmt.Sprint(name)] = strconv.FormatInt(value, 10)
	}
	return map[string]any{"Attributes": attributes}, nil
}

func noQueue(c *call) *Refusal {
	return &Refusal{Code: "QueueDoesNotExist", Message: "no queue " + strings.Join(c.names(), "")}
}

type xmlResult struct {
	ID         string `xml:"Id"`
	StatusCode string
	Timestamps []string  `xml:"Timestamps>member"`
	Values     []float64 `xml:"Values>member"`
}

// getMetricData answers a page of results a call, queries without samples included.
func (s *Server) getMetricData(c *call) (any, *Refusal) {
	end, err := time.Parse(time.RFC3339, c.form.Get("EndTime"))
	if err != nil {
		return nil, &Refusal{Code: "InvalidParameterValue", Message: err.Error()}
	}
	var results []xmlResult
	for i, name := range c.names() {
		prefix := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		metric := c.form.Get(prefix + "MetricStat.Metric.MetricName")
		if namespace := c.form.Get(prefix + "MetricStat.Metric.Namespace"); namespace != "AWS/SQS" || metric != "ApproximateAgeOfOldestMessage" {
			return nil, &Refusal{Code: "InvalidParameterValue", Message: namespace + " " + metric}
		}
		result := xmlResult{ID: c.form.Get(prefix + "Id"), StatusCode: "Complete"}
		if queue := s.queues[key{c.region, name}]; queue != nil {
			for i, age := range queue.Ages {
				result.Timestamps = append(result.Timestamps, end.Add(-time.Duration(i+1)*time.Minute).Format(time.RFC3339))
				result.Values = append(result.Values, age)
			}
		}
		results = append(results, result)
	}
	page, token, refusal := paginate(results, c.form.Get("NextToken"), s.page(len(results)))
	return struct {
		Results   []xmlResult `xml:"MetricDataResults>member"`
		NextToken string      `xml:",omitempty"`
	}{page, token}, refusal
}
