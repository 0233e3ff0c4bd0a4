package aws

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/cloudwatch"
)

const (
	getMetricData = "cloudwatch GetMetricData"
	// agesPerCall is the most that one call of GetMetricData may ask for.
	agesPerCall = 500
	// ageTTL is the spacing of the metric; asking more often only costs.
	ageTTL = time.Minute
	// ageSpan is how far back a sample is looked for: SQS publishes each minute,
	// and a few minutes late.
	ageSpan = 10 * time.Minute
	unknown = -1
)

// oldestAge is the age of a queue's oldest message in seconds, or negative.
func (r *region) oldestAge(ctx context.Context, queue string) int64 {
	age, found, err := r.ages.get(ctx, queue)
	if err != nil || !found {
		return unknown
	}
	return age
}

// readAges reads the newest age of each queue; a queue without samples is absent.
func (r *region) readAges(ctx context.Context, names []string) (map[string]int64, error) {
	queries := make([]*cloudwatch.MetricDataQuery, 0, len(names))
	for i, name := range names {
		queries = append(queries, &cloudwatch.MetricDataQuery{
			Id: aws.String("q" + strconv.Itoa(i)),
			MetricStat: &cloudwatch.MetricStat{
				Metric: &cloudwatch.Metric{
					Namespace:  aws.String("AWS/SQS"),
					MetricName: aws.String("ApproximateAgeOfOldestMessage"),
					Dimensions: []*cloudwatch.Dimension{{Name: aws.String("QueueName"), Value: aws.String(name)}},
				},
				Period: aws.Int64(60),
				Stat:   aws.String(cloudwatch.StatisticMaximum),
			},
		})
	}
	ages := map[string]int64{}
	now := r.clock.Now()
	err := r.cloudwatch.GetMetricDataPagesWithContext(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries,
		StartTime:         aws.Time(now.Add(-ageSpan)),
		EndTime:           aws.Time(now),
		ScanBy:            aws.String(cloudwatch.ScanByTimestampDescending),
	}, func(page *cloudwatch.GetMetricDataOutput, _ bool) bool {
		for _, result := range page.MetricDataResults {
			addAge(ages, names, result)
		}
		return true
	})
	if err != nil {
		return nil, failure(getMetricData, err)
	}
	return ages, nil
}

// addAge takes the newest value of a result, which comes first, unless an
// earlier page had it or it is no age.
func addAge(ages map[string]int64, names []string, result *cloudwatch.MetricDataResult) {
	if result == nil || len(result.Values) == 0 || result.Values[0] == nil {
		return
	}
	i, err := strconv.Atoi(strings.TrimPrefix(aws.StringValue(result.Id), "q"))
	value := *result.Values[0]
	if err != nil || i < 0 || i >= len(names) || !(value >= 0 && value < math.MaxInt64) {
		return
	}
	if _, known := ages[names[i]]; !known {
		ages[names[i]] = int64(value)
	}
}
