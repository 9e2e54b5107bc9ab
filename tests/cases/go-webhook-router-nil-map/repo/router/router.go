// Package router brings events to those who asked for them.
package router

import (
	"sort"

	"example.org/hookd/event"
)

// Handler takes one event.
type Handler func(event.Event) error

// Router keeps the handlers of each topic. The zero value is ready to use.
type Router struct {
	handlers map[string][]Handler
	failures map[string]int
}

// Subscribe adds a handler for a topic.
func (r *Router) Subscribe(topic string, h Handler) {
	r.handlers[topic] = append(r.handlers[topic], h)
}

// Dispatch calls every handler of the event's topic and says how many took it.
func (r *Router) Dispatch(e event.Event) int {
	if r.failures == nil {
		r.failures = make(map[string]int)
	}
	done := 0
	for _, h := range r.handlers[e.Topic()] {
		if err := h(e); err != nil {
			r.failures[e.Topic()]++
			continue
		}
		done++
	}
	return done
}

// Topics lists what somebody subscribed to, in order.
func (r *Router) Topics() []string {
	topics := make([]string, 0, len(r.handlers))
	for topic := range r.handlers {
		topics = append(topics, topic)
	}
	sort.Strings(topics)
	return topics
}
