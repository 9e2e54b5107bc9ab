package version

import (
	"errors"
	"testing"
)

func TestNothingPublishedIsAnError(t *testing.T) {
	if _, err := Latest([]string{"v1.0.0-rc1"}); !errors.Is(err, ErrNoRelease) {
		t.Errorf("err = %v", err)
	}
}

func TestTheLongerOfTwoEqualVersionsIsNewer(t *testing.T) {
	if !Less("v1.2", "v1.2.1") || Less("v1.2.1", "v1.2") {
		t.Error("v1.2 must be older than v1.2.1")
	}
}

func TestTheNewestReleaseIsPicked(t *testing.T) {
	cases := map[string][]string{
		"v2.0.0": {"v1.9.9", "v2.0.0", "v1.0.0"},
		"v1.3.0": {"v1.3.0", "v1.2.7", "v1.4.0-beta"},
	}
	for want, releases := range cases {
		if got, _ := Latest(releases); got != want {
			t.Errorf("Latest(%v) = %s", releases, got)
		}
	}
}

func TestTenComesAfterNine(t *testing.T) {
	got, err := Latest([]string{"v1.9.0", "v1.10.0", "v1.8.3"})
	if err != nil || got != "v1.10.0" {
		t.Fatalf("Latest = %s, %v; want v1.10.0", got, err)
	}
}
