//! Test names, as reports and runners write them. Layer 1.

/// Returns whether a name from a report means the test that a runner names.
///
/// Runners write one test in many ways (`tests/test_cart.py::Cart::test_total`, `test_total (test_cart.Cart.test_total)`,
/// `cart::tests::total`). The report's last segment must be there word for word; the words of its other segments must be
/// there too, unless they name a file or folder that the runner leaves out.
pub fn same_test(reported: &str, seen: &str) -> bool {
    let (reported, seen) = (reported.trim(), seen.trim());
    if reported == seen {
        return !reported.is_empty();
    }
    let segments = segments(reported);
    let Some((last, scopes)) = segments.split_last() else { return false };
    let seen_words = words(seen);
    let contains = |segment: &str| {
        let wanted = words(segment);
        !wanted.is_empty() && seen_words.windows(wanted.len()).any(|window| window == wanted)
    };
    contains(last) && scopes.iter().all(|scope| is_file_like(scope) || contains(scope))
}

/// Splits at the separators of the common runners.
fn segments(name: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split("::").flat_map(|p| p.split(" > ")).flat_map(|p| p.split(" › ")).flat_map(|p| p.split('#'))
    {
        // A dot separates only in names without spaces: `com.acme.CartTest.total`, not `rounds 2.5 up`.
        if part.contains(' ') || is_file_like(part) {
            parts.push(part);
        } else {
            parts.extend(part.split('.'));
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn is_file_like(segment: &str) -> bool {
    let extension = segment.rsplit_once('.').map(|(_, extension)| extension);
    segment.contains('/')
        || matches!(extension, Some("py" | "js" | "ts" | "tsx" | "mjs" | "cjs" | "rs" | "go" | "java" | "kt"))
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_test_is_known_under_the_names_of_its_runner_and_of_people() {
        for (reported, seen) in [
            ("tests/test_cart.py::Cart::test_total", "test_total (test_cart.Cart.test_total)"),
            ("test_total", "test_total (test_cart.Cart)"),
            ("cart::tests::total", "cart::tests::total"),
            ("total", "cart::tests::total"),
            ("com.acme.CartTest.total", "com.acme.CartTest > total()"),
            ("CartTest#total", "CartTest.total"),
            ("adds two numbers", "math › adds two numbers"),
        ] {
            assert!(same_test(reported, seen), "{reported} is {seen}");
        }
    }

    #[test]
    fn other_tests_are_other_tests() {
        for (reported, seen) in [
            ("test_total", "test_total_empty (test_cart.Cart)"),
            ("Cart::test_total", "test_total (test_order.Order)"),
            ("", "x"),
            ("adds two", "adds two-ish numbers elsewhere, two adds"),
        ] {
            let expected = reported == "adds two";
            assert_eq!(same_test(reported, seen), expected, "{reported} is not {seen}");
        }
    }
}
