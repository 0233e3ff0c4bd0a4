// Package providertest is the contract that every provider of node groups or
// queues fulfils, as a test suite. A provider's test calls [NodeGroups] or
// [Queues] with a function that builds it in a known state; see
// providers/README.md.
package providertest
