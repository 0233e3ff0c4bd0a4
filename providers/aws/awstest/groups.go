package awstest

import (
	"fmt"
	"strconv"
	"time"
)

// A Group is an Auto Scaling group.
type Group struct {
	Name              string
	Account           string // Account if empty
	Desired, Min, Max int64
	// Status is set while the group is deleted.
	Status string
	// Instances have the health and the lifecycle state that they are given.
	Instances []Instance
	// Activities are newest first.
	Activities []Activity
	// Suspended has the names of suspended processes.
	Suspended []string
}

// An Instance is an instance of a group.
type Instance struct{ Health, Lifecycle string }

// An Activity is something that a group did, or tried to do.
type Activity struct {
	Start                        time.Time
	Description, Status, Message string
}

// PutGroup adds or replaces a group.
func (s *Server) PutGroup(region string, group Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[key{region, group.Name}] = &group
}

// Group is a group as it is now; its Name is empty if there is none.
func (s *Server) Group(region, name string) Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	if group := s.groups[key{region, name}]; group != nil {
		return *group
	}
	return Group{}
}

type xmlInstance struct {
	InstanceID     string `xml:"InstanceId"`
	HealthStatus   string
	LifecycleState string
}

type xmlGroup struct {
	AutoScalingGroupName string
	AutoScalingGroupARN  string
	DesiredCapacity      int64
	MinSize, MaxSize     int64
	Status               string        `xml:",omitempty"`
	Instances            []xmlInstance `xml:"Instances>member"`
	SuspendedProcesses   []xmlProcess  `xml:"SuspendedProcesses>member"`
}

type xmlProcess struct{ ProcessName, SuspensionReason string }

type xmlActivity struct {
	ActivityID    string `xml:"ActivityId"`
	StartTime     string
	Description   string
	StatusCode    string
	StatusMessage string `xml:",omitempty"`
}

func (s *Server) describeGroups(c *call) (any, *Refusal) {
	names := c.members("AutoScalingGroupNames.member.%d")
	limit, _ := strconv.Atoi(c.form.Get("MaxRecords"))
	if limit == 0 {
		limit = 50
	}
	if limit > 100 {
		return nil, &Refusal{Code: "ValidationError", Message: "MaxRecords must be at most 100"}
	}
	var found []xmlGroup
	for _, name := range names {
		if len(name) > 255 || name == "" {
			return nil, &Refusal{Code: "ValidationError", Message: "a name has 1 to 255 characters"}
		}
		if group := s.groups[key{c.region, name}]; group != nil {
			found = append(found, group.encode(c.region))
		}
	}
	page, token, refusal := paginate(found, c.form.Get("NextToken"), min(limit, s.page(limit)))
	return struct {
		Groups    []xmlGroup `xml:"AutoScalingGroups>member"`
		NextToken string     `xml:",omitempty"`
	}{page, token}, refusal
}

func (g *Group) encode(region string) xmlGroup {
	encoded := xmlGroup{
		AutoScalingGroupName: g.Name,
		AutoScalingGroupARN:  fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:0:autoScalingGroupName/%s", region, account(g.Account), g.Name),
		DesiredCapacity:      g.Desired,
		MinSize:              g.Min,
		MaxSize:              g.Max,
		Status:               g.Status,
	}
	for i, instance := range g.Instances {
		encoded.Instances = append(encoded.Instances, xmlInstance{fmt.Sprintf("i-%017x", i), instance.Health, instance.Lifecycle})
	}
	for _, name := range g.Suspended {
		encoded.SuspendedProcesses = append(encoded.SuspendedProcesses, xmlProcess{name, "User suspended at 2026-01-05T08:00:00Z"})
	}
	return encoded
}

func (s *Server) describeActivities(c *call) (any, *Refusal) {
	group := s.groups[key{c.region, c.form.Get("AutoScalingGroupName")}]
	if group == nil {
		return nil, noGroup(c)
	}
	limit, _ := strconv.Atoi(c.form.Get("MaxRecords"))
	var found []xmlActivity
	for i, activity := range group.Activities {
		found = append(found, xmlActivity{strconv.Itoa(i), activity.Start.UTC().Format(time.RFC3339), activity.Description, activity.Status, activity.Message})
	}
	page, token, refusal := paginate(found, c.form.Get("NextToken"), max(limit, 1))
	return struct {
		Activities []xmlActivity `xml:"Activities>member"`
		NextToken  string        `xml:",omitempty"`
	}{page, token}, refusal
}

func (s *Server) setDesiredCapacity(c *call) (any, *Refusal) {
	group := s.groups[key{c.region, c.form.Get("AutoScalingGroupName")}]
	if group == nil {
		return nil, noGroup(c)
	}
	desired, err := strconv.ParseInt(c.form.Get("DesiredCapacity"), 10, 64)
	if err != nil {
		return nil, &Refusal{Code: "ValidationError", Message: err.Error()}
	}
	if desired < group.Min || desired > group.Max {
		return nil, &Refusal{Code: "ValidationError", Message: fmt.Sprintf("%d is not between %d and %d", desired, group.Min, group.Max)}
	}
	group.Desired = desired
	return struct{}{}, nil
}

func noGroup(c *call) *Refusal {
	return &Refusal{Code: "ValidationError", Message: "no group " + c.form.Get("AutoScalingGroupName")}
}

// page is the size of a page, if the test set none.
func (s *Server) page(otherwise int) int {
	if s.pageSize > 0 {
		return s.pageSize
	}
	return otherwise
}

// paginate cuts a page out of a list; the token is the index of the next entry.
func paginate[T any](list []T, token string, size int) ([]T, string, *Refusal) {
	start := 0
	if token != "" {
		var err error
		if start, err = strconv.Atoi(token); err != nil || start > len(list) {
			return nil, "", &Refusal{Code: "InvalidNextToken", Message: token}
		}
	}
	end := min(start+size, len(list))
	if end == len(list) {
		return list[start:end], "", nil
	}
	return list[start:end], strconv.Itoa(end), nil
}

func account(name string) string {
	if name == "" {
		return Account
	}
	return name
}
