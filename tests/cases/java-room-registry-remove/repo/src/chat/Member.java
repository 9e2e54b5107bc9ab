package chat;

/** Somebody in a room. */
public record Member(String name, long lastSeen) {
    public boolean isGone(long now, long patience) {
        return now - lastSeen > patience;
    }
}
