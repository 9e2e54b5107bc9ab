import dice.Histogram;

public class HistogramTest {
    public void sumsAreCounted() {
        Histogram histogram = new Histogram(2, 6);
        histogram.add(12);
        histogram.add(2);
        histogram.add(12);
        assert histogram.count(12) == 2 && histogram.count(2) == 1 && histogram.count(7) == 0;
    }

    public void theModeIsTheMostFrequentSum() {
        Histogram histogram = new Histogram(2, 6);
        for (int sum : new int[] {7, 5, 7, 12}) {
            histogram.add(sum);
        }
        assert histogram.mode() == 7 : histogram.mode();
    }

    public void theLowestOfSeveralModesWins() {
        Histogram histogram = new Histogram(1, 4);
        histogram.add(4);
        histogram.add(3);
        assert histogram.mode() == 3 : histogram.mode();
    }
}
