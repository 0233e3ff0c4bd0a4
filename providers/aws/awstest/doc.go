// Package awstest is an AWS for tests: an HTTP server with Auto Scaling groups,
// EKS node groups, SQS queues and their CloudWatch metric, in the services' own
// wire protocols, so that tests go through the real SDK. [Server.Fail] makes
// calls fail as AWS does, and in ways it should not.
//
// It checks what a client must get right: the signature's region and service,
// parameters and bounds.
package awstest
