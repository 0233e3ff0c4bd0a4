package fake

type ruleGroup struct{ next int64 }
