package envload

import (
	"reflect"
	"testing"
)

func TestCommentsAreNoVariables(t *testing.T) {
	if got, err := Parse("# A=1\n\n"); err != nil || len(got) != 0 {
		t.Errorf("Parse = %v, %v", got, err)
	}
}

func TestALineWithoutAnAssignmentIsAnError(t *testing.T) {
	if _, err := Parse("A\n"); err == nil || err.Error() != "line 1: no assignment" {
		t.Errorf("err = %v", err)
	}
}

func TestQuotesAreTakenOff(t *testing.T) {
	if unquote(`"a b"`) != "a b" || unquote(`"`) != `"` {
		t.Error("quotes")
	}
}

func TestAssignmentsAreRead(t *testing.T) {
	got, err := Parse("export A=1\nURL=\"http://h/?a=b\"\n")
	want := []Variable{{"A", "1"}, {"URL", "http://h/?a=b"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse = %v, %v; want %v", got, err, want)
	}
}
