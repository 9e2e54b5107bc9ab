// Package router brings events to those who asked for them.
package router

import (
	"sort"

	"example.org/hookd/event"
)

// Handler takes one event.
type Handler func(event.Event) error

// Subscription asks for all events of a topic.
type Subscription struct {
	Topic   string
	Handler Handler
}

// Router keeps the handlers of each topic, in the order of their subscriptions.
type Router struct {
	handlers map[string][]Handler
	failures map[string]int
}

// New makes a router for the given subscriptions.
func New(subscriptions []Subscription) *Router {
	var handlers map[string][]Handler
	for _, s := range subscriptions {
		handlers[s.Topic] = append(handlers[s.Topic], s.Handler)
	}
	return &Router{handlers: handlers}
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
