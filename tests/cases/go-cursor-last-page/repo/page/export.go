package page

import "fmt"

// Export renders all pages with "page x of y" above each.
func Export(items []string, size int) []string {
	pages := Count(len(items), size)
	var out []string
	for n := 0; n < pages; n++ {
		p := Cut(items, n*size, size)
		out = append(out, fmt.Sprintf("page %d of %d", n+1, pages))
		out = append(out, p.Items...)
	}
	return out
}
