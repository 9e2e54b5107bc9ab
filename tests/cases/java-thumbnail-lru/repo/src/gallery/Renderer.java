package gallery;

/** Makes the small picture of a big one. */
@FunctionalInterface
public interface Renderer {
    byte[] render(String path);
}
