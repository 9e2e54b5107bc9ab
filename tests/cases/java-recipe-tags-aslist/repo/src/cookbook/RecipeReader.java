package cookbook;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Reads recipes from lines of the form {@code title|minutes|tag,tag}. */
public final class RecipeReader {
    private static final List<String> MEATS = Arrays.asList("beef", "pork", "chicken", "fish");
    private static final int QUICK = 20;

    public Recipe read(String line) {
        String[] fields = line.split("\\|");
        if (fields.length != 3) {
            throw new IllegalArgumentException("not a recipe: " + line);
        }
        int minutes = Integer.parseInt(fields[1].trim());
        return new Recipe(fields[0].trim(), minutes, tags(fields[2], minutes));
    }

    private static List<String> tags(String text, int minutes) {
        List<String> tags = Arrays.asList(text.trim().toLowerCase().split("\\s*,\\s*"));
        if (minutes <= QUICK) {
            tags.add("quick");
        }
        if (Collections.disjoint(tags, MEATS)) {
            tags.add("vegetarian");
        }
        Collections.sort(tags);
        return tags;
    }

    public List<Recipe> readAll(List<String> lines) {
        List<Recipe> recipes = new ArrayList<>();
        for (String line : lines) {
            recipes.add(read(line));
        }
        return recipes;
    }
}
