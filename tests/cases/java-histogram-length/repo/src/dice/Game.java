package dice;

import java.util.Random;

/** Throws dice and keeps count. */
public final class Game {
    private final Random random;
    private final int dice;
    private final int sides;

    public Game(int dice, int sides, long seed) {
        this.dice = dice;
        this.sides = sides;
        this.random = new Random(seed);
    }

    public int roll() {
        int sum = 0;
        for (int i = 0; i < dice; i++) {
            sum += 1 + random.nextInt(sides);
        }
        return sum;
    }

    public Histogram play(int rounds) {
        Histogram histogram = new Histogram(dice, sides);
        for (int i = 1; i <= rounds; i++) {
            histogram.add(roll());
        }
        return histogram;
    }
}
