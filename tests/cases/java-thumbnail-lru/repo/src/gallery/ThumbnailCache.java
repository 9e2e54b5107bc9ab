package gallery;

import java.util.LinkedHashMap;
import java.util.Map;

/** Keeps the pictures that were used last. */
public final class ThumbnailCache {
    private final Renderer renderer;
    private final Map<String, byte[]> entries;
    private int rendered;

    public ThumbnailCache(Renderer renderer, int capacity) {
        this.renderer = renderer;
        this.entries = new LinkedHashMap<>(16, 0.75f, false) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, byte[]> eldest) {
                return size() > capacity;
            }
        };
    }

    public byte[] get(String path) {
        byte[] known = entries.get(path);
        if (known != null) {
            return known;
        }
        byte[] fresh = renderer.render(path);
        rendered++;
        entries.put(path, fresh);
        return fresh;
    }

    /** How many pictures had to be made. */
    public int rendered() {
        return rendered;
    }

    public int size() {
        return entries.size();
    }
}
