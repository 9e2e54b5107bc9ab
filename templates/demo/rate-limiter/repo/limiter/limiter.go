// Package limiter decides who has to wait.
package limiter

import (
	"sync"
	"time"

	"example.org/rate-limiter/bucket"
	"example.org/rate-limiter/policy"
)

// Limiter keeps a bucket for each client. It may be used by many goroutines.
type Limiter struct {
	mu      sync.Mutex
	limits  map[string]bucket.Limit
	buckets map[string]*bucket.Bucket
}

// New makes a limiter for the given limits.
func New(limits map[string]bucket.Limit) *Limiter {
	return &Limiter{limits: limits, buckets: make(map[string]*bucket.Bucket)}
}

// Allow reports whether the client may go on. A client without a limit always may.
func (l *Limiter) Allow(client string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, ok := l.limits[client]
	if !ok {
		if limit, ok = l.limits[policy.Default]; !ok {
			return true
		}
	}
	b := l.buckets[client]
	if b == nil {
		b = bucket.New(limit, now)
		l.buckets[client] = b
	}
	return b.Take(now)
}
