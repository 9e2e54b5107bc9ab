import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Set;

/** Runs the tests without any library: all of them, or those named as arguments. Prints TAP. */
public final class TestMain {
    private static final Class<?>[] SUITES = {ScheduleReaderTest.class};

    public static void main(String[] args) throws ReflectiveOperationException {
        Set<String> wanted = Set.of(args);
        int number = 0;
        int failed = 0;
        for (Class<?> suite : SUITES) {
            Method[] methods = suite.getDeclaredMethods();
            Arrays.sort(methods, Comparator.comparing(Method::getName));
            for (Method method : methods) {
                String name = suite.getSimpleName() + "." + method.getName();
                boolean isTest = Modifier.isPublic(method.getModifiers()) && method.getParameterCount() == 0;
                if (!isTest || !(wanted.isEmpty() || wanted.contains(name))) {
                    continue;
                }
                number++;
                try {
                    method.invoke(suite.getDeclaredConstructor().newInstance());
                    System.out.println("ok " + number + " - " + name);
                } catch (InvocationTargetException e) {
                    failed++;
                    System.out.println("not ok " + number + " - " + name);
                    e.getCause().printStackTrace();
                }
            }
        }
        System.out.println("1.." + number);
        System.exit(failed == 0 && number > 0 ? 0 : 1);
    }
}
