package batchstat

import (
	"testing"
	"time"
)

func TestNothingRanMeansAnEmptyReport(t *testing.T) {
	if got := Report(nil); got != "" {
		t.Errorf("Report(nil) = %q", got)
	}
}

func TestDelaysAreAveraged(t *testing.T) {
	if got := averageDelay([]int{2, 4, 9}); got != 5 {
		t.Errorf("averageDelay = %d, want 5", got)
	}
}

func TestVeryShortRunsCountAsASecond(t *testing.T) {
	if got := rowsPerSecond(Run{Rows: 80, Took: time.Millisecond}); got != 80 {
		t.Errorf("rowsPerSecond = %d", got)
	}
}

func TestARunWithoutRetriesIsReported(t *testing.T) {
	got := Report([]Run{{Name: "import", Rows: 900, Took: 3 * time.Second}})
	if got != "import: 300 rows/s, 0 retries, 0s average delay\n" {
		t.Errorf("Report = %q", got)
	}
}
