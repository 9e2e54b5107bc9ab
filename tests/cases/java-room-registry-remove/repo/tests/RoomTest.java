import chat.Member;
import chat.Room;
import java.util.List;

public class RoomTest {
    private final Room room = new Room(60);

    public void arrivalsAreLogged() {
        room.enter(new Member("mia", 100));
        assert room.log().equals(List.of("mia enters")) : room.log();
    }

    public void namesKeepTheOrderOfArrival() {
        room.enter(new Member("zoe", 100));
        room.enter(new Member("ali", 101));
        assert room.names().equals(List.of("zoe", "ali")) : room.names();
    }

    public void nobodyLeavesWhileAllAreActive() {
        room.enter(new Member("mia", 100));
        room.tidy(150);
        assert room.names().equals(List.of("mia")) : room.names();
    }

    public void silentMembersAreThrownOut() {
        room.enter(new Member("mia", 10));
        room.enter(new Member("ali", 20));
        room.enter(new Member("zoe", 190));
        room.tidy(200);
        assert room.names().equals(List.of("zoe")) : room.names();
    }
}
