// Package policy reads the limits of clients.
package policy

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"example.org/rate-limiter/bucket"
)

// Default names the rule for clients without one of their own.
const Default = "default"

// Parse reads one rule a line: client, burst, requests per second. Comments start with '#'; of two rules for one
// client the later one wins.
func Parse(r io.Reader) (map[string]bucket.Limit, error) {
	var limits map[string]bucket.Limit
	scanner := bufio.NewScanner(r)
	for number := 1; scanner.Scan(); number++ {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var client string
		var limit bucket.Limit
		if _, err := fmt.Sscan(line, &client, &limit.Burst, &limit.PerSecond); err != nil {
			return nil, fmt.Errorf("line %d: want `client burst per-second`: %w", number, err)
		}
		if limit.Burst <= 0 || limit.PerSecond < 0 {
			return nil, fmt.Errorf("line %d: impossible limit for %s", number, client)
		}
		limits[client] = limit
	}
	return limits, scanner.Err()
}
