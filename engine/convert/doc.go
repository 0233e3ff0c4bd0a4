// Package convert turns HorizontalPodAutoscalers and KEDA ScaledObjects into
// the kinds of autoscaling.karpenter.sh.
//
// A conversion keeps decisions the same where it can, so it writes down the
// defaults that the API server would have filled in: nothing depends on our
// own, different, ones. Whatever could not be carried over, or means something
// else here, is said in a Note with the field it is about. Input that has no
// meaning is an error with its field.
//
// Conversions are pure: the same object and options give the same result.
package convert
