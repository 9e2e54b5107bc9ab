import gallery.ThumbnailCache;

public class ThumbnailCacheTest {
    private final ThumbnailCache cache = new ThumbnailCache(path -> path.getBytes(), 2);

    public void aPictureIsRenderedOnce() {
        cache.get("a.jpg");
        cache.get("a.jpg");
        assert cache.rendered() == 1 : cache.rendered();
    }

    public void theCacheStaysSmall() {
        for (int i = 0; i < 10; i++) {
            cache.get(i + ".jpg");
        }
        assert cache.size() == 2 : cache.size();
    }

    public void thePictureUsedLastIsKept() {
        cache.get("cover.jpg");
        cache.get("a.jpg");
        cache.get("cover.jpg");
        cache.get("b.jpg");
        cache.get("cover.jpg");
        assert cache.rendered() == 3 : "rendered " + cache.rendered() + " times instead of 3";
    }
}
