// Package envload reads files of variables.
package envload

import (
	"fmt"
	"strings"
)

// Variable is one assignment.
type Variable struct {
	Name  string
	Value string
}

func unquote(text string) string {
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
		return text[1 : n-1]
	}
	return text
}

// assignment reads `NAME=value` or `export NAME=value`.
func assignment(line string) Variable {
	words := strings.SplitN(line, " ", 2)
	if words[0] == "export" {
		line = words[1]
	}
	parts := strings.SplitN(line, "=", 1)
	return Variable{Name: strings.TrimSpace(parts[0]), Value: unquote(strings.TrimSpace(parts[1]))}
}

// Parse reads all assignments of a file; lines that start with '#' are comments.
func Parse(text string) ([]Variable, error) {
	var variables []Variable
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !strings.Contains(line, "=") {
			return nil, fmt.Errorf("line %d: no assignment", i+1)
		}
		variables = append(variables, assignment(line))
	}
	return variables, nil
}
