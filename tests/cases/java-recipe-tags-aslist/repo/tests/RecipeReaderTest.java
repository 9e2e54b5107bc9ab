import cookbook.Recipe;
import cookbook.RecipeReader;
import java.util.List;

public class RecipeReaderTest {
    private final RecipeReader reader = new RecipeReader();

    public void badLinesAreRefused() {
        try {
            reader.read("Soup");
            assert false : "no exception";
        } catch (IllegalArgumentException e) {
            assert e.getMessage().equals("not a recipe: Soup") : e.getMessage();
        }
    }

    public void tagsAreSortedAndLowerCase() {
        Recipe recipe = reader.read("Roast|90|Winter, Beef");
        assert recipe.tags().equals(List.of("beef", "winter")) : recipe.tags();
    }

    public void noLinesMeanNoRecipes() {
        assert reader.readAll(List.of()).isEmpty();
    }

    public void quickRecipesAreTagged() {
        Recipe recipe = reader.read("Omelette|10|egg");
        assert recipe.tags().equals(List.of("egg", "quick", "vegetarian")) : recipe.tags();
    }

    public void slowVegetarianRecipesAreTagged() {
        assert reader.read("Ratatouille|60|aubergine").has("vegetarian");
    }
}
