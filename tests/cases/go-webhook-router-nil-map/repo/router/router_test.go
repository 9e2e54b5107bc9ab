package router

import (
	"errors"
	"reflect"
	"testing"

	"example.org/hookd/event"
)

func TestAnEventWithoutSubscribersIsDropped(t *testing.T) {
	r := New(nil)
	if got := r.Dispatch(event.Event{Kind: "ping"}); got != 0 {
		t.Errorf("Dispatch() = %d", got)
	}
}

func TestEverySubscriberOfATopicIsCalled(t *testing.T) {
	r := New([]Subscription{
		{"push", func(event.Event) error { return nil }},
		{"issue", func(event.Event) error { return errors.New("busy") }},
		{"issue", func(event.Event) error { return nil }},
	})
	if got := r.Dispatch(event.Event{Kind: "issue.opened"}); got != 1 {
		t.Errorf("Dispatch() = %d, want 1", got)
	}
	if got := r.Topics(); !reflect.DeepEqual(got, []string{"issue", "push"}) {
		t.Errorf("Topics() = %v", got)
	}
}
