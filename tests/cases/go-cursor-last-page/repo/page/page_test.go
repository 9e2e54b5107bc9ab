package page

import (
	"reflect"
	"testing"
)

var entries = []string{"a", "b", "c", "d", "e"}

func TestTheLastPageHasNoNext(t *testing.T) {
	if got := Cut(entries, 4, 2); got.Next != -1 || len(got.Items) != 1 {
		t.Errorf("Cut = %+v", got)
	}
}

func TestFullPagesAreExported(t *testing.T) {
	want := []string{"page 1 of 2", "a", "b", "page 2 of 2", "c", "d"}
	if got := Export(entries[:4], 2); !reflect.DeepEqual(got, want) {
		t.Errorf("Export = %q", got)
	}
}

func TestNoEntriesMeanNoPages(t *testing.T) {
	if got := Export(nil, 2); len(got) != 0 {
		t.Errorf("Export = %q", got)
	}
}

func TestAShortLastPageIsExported(t *testing.T) {
	want := []string{"page 1 of 3", "a", "b", "page 2 of 3", "c", "d", "page 3 of 3", "e"}
	if got := Export(entries, 2); !reflect.DeepEqual(got, want) {
		t.Errorf("Export = %q, want %q", got, want)
	}
}
