// Package event knows what a webhook carries.
package event

import "strings"

// Event is one delivery.
type Event struct {
	Kind    string
	Payload map[string]string
}

// Topic is the part of the kind before the first dot.
func (e Event) Topic() string {
	topic, _, _ := strings.Cut(e.Kind, ".")
	return topic
}
