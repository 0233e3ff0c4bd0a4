package aws

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/autoscaling"

	"github.com/karpenter-sim/karpenter/engine/observation"
)

const (
	describeActivities = "autoscaling DescribeScalingActivities"
	// activitiesPerCall reach back past the launches of one resize.
	activitiesPerCall = 20
	// history is the age at which a failure says nothing any more.
	history = time.Hour
)

// launchFailure says why a group that lacks instances does not get them, if the
// newest launch that has ended was a failure: a later success disproves it. A
// failure from before the last resize, or long ago, is of no interest.
// Activities are an explanation only, so when they cannot be read there is none.
func (r *region) launchFailure(ctx context.Context, name string) (observation.Code, string) {
	activities, _, err := r.activities.get(ctx, name)
	if err != nil {
		return observation.OK, "why instances are missing is unknown: " + reason(err)
	}
	r.mu.Lock()
	since := r.clock.Now().Add(-history)
	if resized := r.resized[name]; resized.After(since) {
		since = resized.Truncate(time.Second) // AWS' times are whole seconds
	}
	r.mu.Unlock()
	for _, activity := range activities {
		if activity == nil || activity.StartTime == nil || activity.StartTime.Before(since) || !launches(activity) {
			continue
		}
		switch aws.StringValue(activity.StatusCode) {
		case autoscaling.ScalingActivityStatusCodeSuccessful:
			return observation.OK, ""
		case autoscaling.ScalingActivityStatusCodeFailed:
			return observation.LimitReached, oneLine(aws.StringValue(activity.StatusMessage))
		}
	}
	return observation.OK, ""
}

// launches says whether an activity adds an instance. The service says so in
// its description only, and of a failure it may say nothing but that.
func launches(activity *autoscaling.Activity) bool {
	description := strings.ToLower(aws.StringValue(activity.Description))
	return !strings.HasPrefix(description, "terminating") && !strings.HasPrefix(description, "moving") && !strings.HasPrefix(description, "detaching")
}

// describeActivities reads the newest activities of one group, newest first.
func (r *region) describeActivities(ctx context.Context, names []string) (map[string][]*autoscaling.Activity, error) {
	page, err := r.autoscaling.DescribeScalingActivitiesWithContext(ctx, &autoscaling.DescribeScalingActivitiesInput{
		AutoScalingGroupName: aws.String(names[0]),
		MaxRecords:           aws.Int64(activitiesPerCall),
	})
	if err != nil {
		return nil, failure(describeActivities, err)
	}
	return map[string][]*autoscaling.Activity{names[0]: page.Activities}, nil
}

// reason is the short code of an error, or its text.
func reason(err error) string {
	var failed *Error
	if errors.As(err, &failed) {
		return failed.Operation + ": " + failed.Code
	}
	return oneLine(err.Error())
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
