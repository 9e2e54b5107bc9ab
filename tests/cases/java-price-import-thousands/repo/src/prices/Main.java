package prices;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Main {
    public static void main(String[] args) throws IOException {
        new PriceReader().read(Files.readAllLines(Path.of(args[0])))
                .forEach((article, price) -> System.out.println(article + " " + price));
    }
}
