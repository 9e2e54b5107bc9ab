package cookbook;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Main {
    public static void main(String[] args) throws IOException {
        for (Recipe recipe : new RecipeReader().readAll(Files.readAllLines(Path.of(args[0])))) {
            System.out.println(recipe.title() + " " + recipe.tags());
        }
    }
}
