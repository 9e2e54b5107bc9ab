package version

import (
	"errors"
	"strings"
)

// ErrNoRelease says that a project has published nothing yet.
var ErrNoRelease = errors.New("no release")

// Latest picks the newest of the given releases; pre-releases do not count.
func Latest(releases []string) (string, error) {
	best := ""
	for _, r := range releases {
		if strings.Contains(r, "-") {
			continue
		}
		if best == "" || Less(best, r) {
			best = r
		}
	}
	if best == "" {
		return "", ErrNoRelease
	}
	return best, nil
}
