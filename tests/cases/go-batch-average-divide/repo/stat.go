// Package batchstat sums up what the nightly batches did.
package batchstat

import (
	"fmt"
	"strings"
	"time"
)

// Run is one batch.
type Run struct {
	Name    string
	Rows    int
	Took    time.Duration
	Retries []int
}

// rowsPerSecond is the throughput of one run; a run shorter than a second counts as one.
func rowsPerSecond(r Run) int {
	seconds := int(r.Took / time.Second)
	if seconds == 0 {
		seconds = 1
	}
	return r.Rows / seconds
}

// averageDelay is the mean delay of retries, in seconds.
func averageDelay(delays []int) int {
	total := 0
	for _, d := range delays {
		total += d
	}
	return total / len(delays)
}

// Report renders one line for each run.
func Report(runs []Run) string {
	var b strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&b, "%s: %d rows/s, %d retries, %ds average delay\n",
			r.Name, rowsPerSecond(r), len(r.Retries), averageDelay(r.Retries))
	}
	return b.String()
}
