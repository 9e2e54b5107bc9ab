import dice.Game;

public class GameTest {
    public void sumsStayInRange() {
        Game game = new Game(2, 6, 7);
        for (int i = 0; i < 200; i++) {
            int sum = game.roll();
            assert sum >= 2 && sum <= 12 : sum;
        }
    }

    public void theSameSeedPlaysTheSameGame() {
        assert new Game(3, 6, 42).roll() == new Game(3, 6, 42).roll();
    }
}
