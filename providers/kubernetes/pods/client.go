package pods

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// A Client speaks to one API server.
type Client struct {
	config *rest.Config
	server *rest.RESTClient
	params runtime.ParameterCodec
}

// New returns a client. It contacts nobody.
func New(config *rest.Config) (*Client, error) {
	// Only what is needed: client-go's own scheme has every API there is, and
	// costs a command line more time than all the rest of its start.
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	config = rest.CopyConfig(config)
	config.APIPath = "/api"
	config.GroupVersion = &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	server, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Client{config: config, server: server, params: runtime.NewParameterCodec(scheme)}, nil
}

// List returns the pods of a namespace that a label selector matches, by name.
// Errors are those of apimachinery's api/errors.
func (c *Client) List(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	err := c.server.Get().Namespace(namespace).Resource("pods").
		VersionedParams(&metav1.ListOptions{LabelSelector: selector}, c.params).Do(ctx).Into(list)
	return list.Items, err
}
