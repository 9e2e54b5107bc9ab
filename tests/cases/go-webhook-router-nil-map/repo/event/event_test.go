package event

import "testing"

func TestTopicIsThePartBeforeTheDot(t *testing.T) {
	if got := (Event{Kind: "issue.opened"}).Topic(); got != "issue" {
		t.Errorf("Topic() = %q", got)
	}
}

func TestAKindWithoutADotIsItsOwnTopic(t *testing.T) {
	if got := (Event{Kind: "ping"}).Topic(); got != "ping" {
		t.Errorf("Topic() = %q", got)
	}
}
