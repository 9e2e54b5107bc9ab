package main

import (
	"fmt"
	"os"

	"example.org/podcatch/feed"
)

func main() {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	episodes, err := feed.Parse(raw)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, e := range episodes {
		fmt.Println(e)
	}
}
