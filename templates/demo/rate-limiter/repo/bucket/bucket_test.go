package bucket

import (
	"testing"
	"time"
)

var start = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func TestABurstIsAllowed(t *testing.T) {
	b := New(Limit{Burst: 2, PerSecond: 1}, start)
	if !b.Take(start) || !b.Take(start) || b.Take(start) {
		t.Error("a burst of two must be two")
	}
}

func TestABucketIsFilledByTime(t *testing.T) {
	b := New(Limit{Burst: 1, PerSecond: 2}, start)
	b.Take(start)
	if b.Take(start.Add(400*time.Millisecond)) || !b.Take(start.Add(time.Second)) {
		t.Error("one token in half a second")
	}
}
