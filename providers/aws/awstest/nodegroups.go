package awstest

import (
	"fmt"
	"net/http"
)

// A NodeGroup is an EKS managed node group.
type NodeGroup struct {
	Cluster, Name     string
	Account           string // Account if empty
	Desired, Min, Max int64
	// Status is ACTIVE if empty.
	Status string
	// Issues are the group's health.
	Issues []Issue
}

// An Issue holds what is wrong with a node group.
type Issue struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// PutNodeGroup adds or replaces a node group.
func (s *Server) PutNodeGroup(region string, group NodeGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodeGroups[key{region, group.Cluster + "/" + group.Name}] = &group
}

// NodeGroup is a node group as it is now; its Name is empty if there is none.
func (s *Server) NodeGroup(region, cluster, name string) NodeGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if group := s.nodeGroups[key{region, cluster + "/" + name}]; group != nil {
		return *group
	}
	return NodeGroup{}
}

func (s *Server) findNodeGroup(c *call) (*NodeGroup, *Refusal) {
	group := s.nodeGroups[key{c.region, c.path[1] + "/" + c.path[3]}]
	if group == nil {
		return nil, &Refusal{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "no node group " + c.path[3]}
	}
	return group, nil
}

func (s *Server) describeNodegroup(c *call) (any, *Refusal) {
	group, refusal := s.findNodeGroup(c)
	if refusal != nil {
		return nil, refusal
	}
	status := group.Status
	if status == "" {
		status = "ACTIVE"
	}
	issues := group.Issues
	if issues == nil {
		issues = []Issue{}
	}
	return map[string]any{"nodegroup": map[string]any{
		"clusterName":   group.Cluster,
		"nodegroupName": group.Name,
		"nodegroupArn":  fmt.Sprintf("arn:aws:eks:%s:%s:nodegroup/%s/%s/0", c.region, account(group.Account), group.Cluster, group.Name),
		"status":        status,
		"scalingConfig": map[string]int64{"desiredSize": group.Desired, "minSize": group.Min, "maxSize": group.Max},
		"health":        map[string]any{"issues": issues},
	}}, nil
}

func (s *Server) updateNodegroupConfig(c *call) (any, *Refusal) {
	group, refusal := s.findNodeGroup(c)
	if refusal != nil {
		return nil, refusal
	}
	config, _ := c.document["scalingConfig"].(map[string]any)
	desired, given := config["desiredSize"].(float64)
	switch {
	case !given || len(config) != 1:
		return nil, &Refusal{Code: "InvalidParameterException", Message: "this server changes the desired size only"}
	case group.Status == "UPDATING":
		return nil, &Refusal{Status: http.StatusConflict, Code: "ResourceInUseException", Message: "an update is in progress"}
	case int64(desired) < group.Min || int64(desired) > group.Max:
		return nil, &Refusal{Code: "InvalidParameterException", Message: fmt.Sprintf("%v is not between %d and %d", desired, group.Min, group.Max)}
	}
	group.Desired = int64(desired)
	return map[string]any{"update": map[string]any{"id": "1", "status": "InProgress"}}, nil
}
