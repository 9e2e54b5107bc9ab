package limiter

import (
	"strings"
	"testing"
	"time"

	"example.org/rate-limiter/bucket"
	"example.org/rate-limiter/policy"
)

var start = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func TestClientsDoNotShareABucket(t *testing.T) {
	l := New(map[string]bucket.Limit{policy.Default: {Burst: 1}})
	if !l.Allow("a", start) || !l.Allow("b", start) || l.Allow("a", start) {
		t.Error("every client has a bucket of its own")
	}
}

func TestNobodyWaitsWithoutLimits(t *testing.T) {
	if !New(nil).Allow("a", start) {
		t.Error("refused without a limit")
	}
}

func TestAnEmptyPolicyHasNoLimits(t *testing.T) {
	limits, err := policy.Parse(strings.NewReader("# nothing yet\n\n"))
	if err != nil || len(limits) != 0 {
		t.Errorf("Parse = %v, %v", limits, err)
	}
}
