import java.util.List;
import java.util.Map;
import prices.Price;
import prices.PriceReader;

public class PriceReaderTest {
    private final PriceReader reader = new PriceReader();

    public void pricesHaveCents() {
        assert reader.read(List.of("pump; 89.9")).equals(Map.of("pump", new Price(8990)));
    }

    public void pricesMayBeWhole() {
        assert reader.read(List.of("hose;12")).get("hose").toString().equals("12.00");
    }

    public void otherLinesAreSkipped() {
        assert reader.read(List.of("valid from May", "")).isEmpty();
    }

    public void bigPricesHaveSeparators() {
        Map<String, Price> prices = reader.read(List.of("boiler;1,249.90", "plant;12,000,000"));
        assert prices.get("boiler").cents() == 124990 : prices;
        assert prices.get("plant").toString().equals("12000000.00") : prices;
    }
}
