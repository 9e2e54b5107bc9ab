// Package bucket holds the tokens of one client.
package bucket

import "time"

// Limit says how many requests may come at once and how many in a second.
type Limit struct {
	Burst     int
	PerSecond int
}

// Bucket is filled by time and emptied by requests.
type Bucket struct {
	limit  Limit
	tokens float64
	filled time.Time
}

// New returns a full bucket.
func New(limit Limit, now time.Time) *Bucket {
	return &Bucket{limit: limit, tokens: float64(limit.Burst), filled: now}
}

// Take removes one token where there is one.
func (b *Bucket) Take(now time.Time) bool {
	if elapsed := now.Sub(b.filled).Seconds(); elapsed > 0 {
		b.tokens += elapsed * float64(b.limit.PerSecond)
		if full := float64(b.limit.Burst); b.tokens > full {
			b.tokens = full
		}
		b.filled = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
