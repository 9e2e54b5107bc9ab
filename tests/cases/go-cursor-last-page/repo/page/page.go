// Package page cuts long answers into pages.
package page

// Page is one part of an answer. Next is the offset of the following one, or -1 at the end.
type Page struct {
	Items []string
	Next  int
}

// Count says how many pages of the given size hold n items.
func Count(n, size int) int {
	if size <= 0 {
		return 0
	}
	return n / size
}

// Cut returns the page that starts at offset.
func Cut(items []string, offset, size int) Page {
	if offset >= len(items) {
		return Page{Next: -1}
	}
	end := offset + size
	if end >= len(items) {
		return Page{Items: items[offset:], Next: -1}
	}
	return Page{Items: items[offset:end], Next: end}
}
