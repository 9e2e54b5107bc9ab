// Package feed reads podcast feeds in the JSON format.
package feed

import (
	"encoding/json"
	"fmt"
)

// Episode is one entry of a feed.
type Episode struct {
	Title   string
	Author  string
	Minutes int
}

func (e Episode) String() string {
	if e.Author == "" {
		return fmt.Sprintf("%s (%d min)", e.Title, e.Minutes)
	}
	return fmt.Sprintf("%s, %s (%d min)", e.Title, e.Author, e.Minutes)
}

func minutes(item map[string]interface{}) int {
	seconds, ok := item["duration"].(float64)
	if !ok {
		return 0
	}
	return int(seconds+59) / 60
}

func episode(item map[string]interface{}) Episode {
	title, ok := item["title"].(string)
	if !ok {
		title = "(untitled)"
	}
	author := item["author"].(string)
	return Episode{Title: title, Author: author, Minutes: minutes(item)}
}

// Parse reads the episodes of a feed, in the feed's order.
func Parse(raw []byte) ([]Episode, error) {
	var doc struct {
		Items []map[string]interface{} `json:"items"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("not a feed: %w", err)
	}
	episodes := make([]Episode, 0, len(doc.Items))
	for _, item := range doc.Items {
		episodes = append(episodes, episode(item))
	}
	return episodes, nil
}
