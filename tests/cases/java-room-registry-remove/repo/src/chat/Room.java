package chat;

import java.util.ArrayList;
import java.util.List;

/** A room and those in it, in the order in which they came. */
public final class Room {
    private final long patience;
    private final List<Member> members = new ArrayList<>();
    private final List<String> log = new ArrayList<>();

    public Room(long patience) {
        this.patience = patience;
    }

    public void enter(Member member) {
        members.add(member);
        log.add(member.name() + " enters");
    }

    /** Throws out those who have not been heard of for a while. */
    public void tidy(long now) {
        for (Member member : members) {
            if (member.isGone(now, patience)) {
                members.remove(member);
            }
        }
        log.add("tidied");
    }

    public List<String> names() {
        List<String> names = new ArrayList<>();
        for (Member member : members) {
            names.add(member.name());
        }
        return names;
    }

    public List<String> log() {
        return List.copyOf(log);
    }
}
