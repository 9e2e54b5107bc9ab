//! Localising frames in a checkout.

use crate::fingerprint::{localise, localise_frame, normal_frame};
use crate::model::RepoPath;

use super::frame;

fn files(paths: &[&str]) -> Vec<RepoPath> {
    paths.iter().map(|path| path.parse().expect("a test's path is legal")).collect()
}

fn found(path: &str, paths: &[&str]) -> Option<String> {
    localise(path, &files(paths)).map(|path| path.to_string())
}

#[test]
fn the_longest_end_of_a_path_that_exists_wins() {
    for (path, tree, expected) in [
        ("/home/ada/shop/src/cart.js", vec!["src/cart.js", "lib/cart.js"], Some("src/cart.js")),
        (
            "/home/ada/mono/backend/src/cart.js",
            vec!["backend/src/cart.js", "frontend/src/cart.js"],
            Some("backend/src/cart.js"),
        ),
        ("src/cart.js", vec!["backend/src/cart.js"], Some("backend/src/cart.js")),
        ("C:\\Users\\Ada\\shop\\src\\cart.js", vec!["src/cart.js"], Some("src/cart.js")),
        ("webpack://shop/./src/cart.ts?a1", vec!["src/cart.ts", "src/shop.ts"], Some("src/cart.ts")),
        ("/home/ada/shop/cart.py", vec!["cart.py", "old/cart.py"], Some("cart.py")),
        ("cart.py", vec!["shop/cart.py"], Some("shop/cart.py")),
        ("../../src/main.c", vec!["src/main.c"], Some("src/main.c")),
    ] {
        assert_eq!(found(path, &tree).as_deref(), expected, "{path}");
    }
}

#[test]
fn what_fits_two_files_or_is_not_the_repositorys_is_no_answer() {
    for (path, tree) in [
        ("src/cart.js", vec!["backend/src/cart.js", "frontend/src/cart.js"]),
        ("/app/node_modules/express/index.js", vec!["index.js"]),
        ("/usr/lib/python3.11/json/decoder.py", vec!["src/decoder.py", "json/decoder.py"]),
        ("/somewhere/else/util.py", vec!["shop/util.py"]),
        ("/app/src/none.js", vec!["src/cart.js"]),
        ("", vec!["src/cart.js"]),
        ("https://x.example/static/main.3f2a9c1b.js", vec!["static/main.js"]),
    ] {
        assert_eq!(found(path, &tree), None, "{path}");
    }
}

#[test]
fn class_crate_and_package_say_which_of_two_files_is_meant() {
    let find = |family: &str, text: &str, tree: &[&str]| {
        localise_frame(&normal_frame(family, &frame(text)), &files(tree)).map(|path| path.to_string())
    };
    let java = ["core/src/main/java/com/acme/Foo.java", "core/src/main/java/com/other/Foo.java"];
    assert_eq!(find("jvm", "bar|com.acme.Foo|Foo.java|3", &java).as_deref(), Some(java[0]));
    assert_eq!(find("jvm", "bar|com.acme.Foo$Inner||", &java).as_deref(), Some(java[0]));
    let rust = ["crates/shop-core/src/cart.rs", "crates/shop-web/src/cart.rs"];
    assert_eq!(find("rust", "shop_core::cart::total||src/cart.rs|3", &rust).as_deref(), Some(rust[0]));
    assert_eq!(find("rust", "||src/cart.rs|3", &rust), None);
    let go = ["cart/cart.go", "old/cart.go"];
    assert_eq!(
        find("go", "github.com/acme/shop/cart.Total||github.com/acme/shop/cart/cart.go|3", &go).as_deref(),
        Some(go[0])
    );
    assert_eq!(find("python", "total||/usr/lib/python3/dist-packages/flask/app.py|3", &["flask/app.py"]), None);
}
