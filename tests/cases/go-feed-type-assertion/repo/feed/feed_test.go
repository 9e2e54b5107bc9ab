package feed

import "testing"

func parse(t *testing.T, raw string) []Episode {
	t.Helper()
	episodes, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return episodes
}

func TestTextThatIsNotJSONIsAnError(t *testing.T) {
	if _, err := Parse([]byte("<rss>")); err == nil {
		t.Error("no error")
	}
}

func TestMinutesAreRoundedUp(t *testing.T) {
	got := parse(t, `{"items":[{"title":"One","author":"Ada","duration":61}]}`)
	if got[0].String() != "One, Ada (2 min)" {
		t.Errorf("got %q", got[0])
	}
}

func TestAnUntitledEpisodeSaysSo(t *testing.T) {
	got := parse(t, `{"items":[{"author":"Ada"}]}`)
	if got[0].Title != "(untitled)" {
		t.Errorf("got %q", got[0].Title)
	}
}

func TestAnEpisodeNeedsNoAuthor(t *testing.T) {
	got := parse(t, `{"items":[{"title":"One","duration":60}]}`)
	if got[0].String() != "One (1 min)" {
		t.Errorf("got %q", got[0])
	}
}
