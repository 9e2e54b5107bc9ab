package prices;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the supplier's list: {@code article;price}, prices as people write them ({@code 1,249.90}). */
public final class PriceReader {
    public Map<String, Price> read(List<String> lines) {
        Map<String, Price> prices = new LinkedHashMap<>();
        for (String line : lines) {
            String[] fields = line.split(";");
            if (fields.length < 2) {
                continue;
            }
            prices.put(fields[0].trim(), parse(fields[1].trim()));
        }
        return prices;
    }

    private static Price parse(String text) {
        int dot = text.indexOf('.');
        String whole = dot < 0 ? text : text.substring(0, dot);
        String cents = dot < 0 ? "00" : (text.substring(dot + 1) + "00").substring(0, 2);
        return new Price(Long.parseLong(whole) * 100 + Long.parseLong(cents));
    }
}
