package cookbook;

import java.util.List;

/** A recipe with its tags, in alphabetical order. */
public record Recipe(String title, int minutes, List<String> tags) {
    public boolean has(String tag) {
        return tags.contains(tag);
    }
}
