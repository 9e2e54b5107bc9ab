package policy

import (
	"strings"
	"testing"

	"example.org/rate-limiter/bucket"
)

func TestABadRuleIsNamedByItsLine(t *testing.T) {
	_, err := Parse(strings.NewReader("# limits\ncrawler two 1\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "line 2:") {
		t.Errorf("err = %v", err)
	}
}

func TestAnImpossibleLimitIsRefused(t *testing.T) {
	if _, err := Parse(strings.NewReader("crawler 0 1\n")); err == nil {
		t.Error("a burst of nothing was taken")
	}
}

func TestRulesAreReadByClient(t *testing.T) {
	limits, err := Parse(strings.NewReader("default 20 5 # everyone\ncrawler 2 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := limits["crawler"]; got != (bucket.Limit{Burst: 2, PerSecond: 1}) {
		t.Errorf("crawler = %+v", got)
	}
}
