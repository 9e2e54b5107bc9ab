//! What normalisation must hold, as tables of before and after, and as laws.

use proptest::prelude::*;

use super::name::normal_name;
use super::path::{Origin, is_test_path, normal_path};
use super::{error_type, message_class, ruleset};

fn template(message: &str) -> String {
    message_class("any", message).template
}

#[test]
fn what_changes_from_run_to_run_becomes_a_placeholder() {
    let cases = [
        ("user ada@example.org not found", "user <email> not found"),
        ("GET https://api.shop.example/v1/orders/17?x=1 failed.", "GET <url> failed."),
        ("tcp://u:p@mail.example.com:10 had a problem", "<url> had a problem"),
        ("cannot reach db-3.prod.internal:5432", "cannot reach <host>"),
        ("connect ECONNREFUSED 127.0.0.1:6379", "connect ECONNREFUSED <ip>:<int>"),
        ("connect to [::1]:8080 and fe80::1 failed", "connect to <ip> and <ip> failed"),
        ("span 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 lost", "span <trace> lost"),
        ("order 6f9619ff-8b86-d011-b42d-00c04fc964ff missing", "order <uuid> missing"),
        ("digest da39a3ee5e6b4b0d3255bfef95601890afd80709 differs", "digest <hash> differs"),
        ("digest d41d8cd98f00b204e9800998ecf8427e differs", "digest <hash> differs"),
        ("commit 3fa9c1e is gone", "commit <hex> is gone"),
        ("bad pointer 0x7ffd1b2c and 0XDEAD", "bad pointer <hex> and <hex>"),
        ("on 2024-05-01T10:11:12.345Z it broke", "on <date> it broke"),
        ("on 2024-05-01 10:11:12,345 +0200 it broke", "on <date> it broke"),
        ("on Wed, 01 May 2024 10:11:12 GMT it broke", "on <date> it broke"),
        ("on Wed May  1 10:11:12 UTC 2024 it broke", "on <date> it broke"),
        ("on 1 May 2024 it broke", "on <date> it broke"),
        ("at 10:11:12 it broke", "at <date> it broke"),
        (
            "timed out after 1500ms, retry in 3 seconds or 1m30.5s",
            "timed out after <duration>, retry in <duration> or <duration>",
        ),
        ("needs 12.5 MiB, has 300 bytes", "needs <size>, has <size>"),
        ("expected 3.14 but got 2", "expected <float> but got <int>"),
        ("has 4,150,908 rows", "has <int> rows"),
        (
            "index out of range: the len is 3 but the index is 7",
            "index out of range: the len is <int> but the index is <int>",
        ),
        ("at line 5 column 3", "at line <int> column <int>"),
        ("requires version 18.2.0 of it", "requires version <ver> of it"),
        ("lib@1.2.3-beta.4 is too old", "lib@<ver> is too old"),
        ("com.acme.Cart@1b2c3d4e has none", "com.acme.Cart@<hex> has none"),
        ("<Cart object at 0x7f3a> has none", "<Cart object at <hex>> has none"),
        ("cannot open '/home/ada/shop/data.json'", "cannot open '<path>'"),
        ("cannot open C:\\Users\\ada\\data.json now", "cannot open <path> now"),
        ("file tmpx8k2p1q is gone", "file <tmp> is gone"),
        ("customer cus_9s6XKzkNRiz8i3 and 01ARZ3NDEKTSV4RRFFQ69G5FAV", "customer <id> and <id>"),
        ("invoice k9Mtd2gDcgG unpaid", "invoice <id> unpaid"),
        ("object 507f1f77bcf86cd799439011 unknown", "object <hex> unknown"),
        ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSM bad", "token <jwt> bad"),
        ("payload QWxhZGRpbjpvcGVuIHNlc2FtZQ== bad", "payload <base> bad"),
        ("option retry=true is gone", "option retry=<bool> is gone"),
        ("no item 'red shoes'", "no item '<str>'"),
        ("GET /api/users/4711/orders failed", "GET /api/users/<int>/orders failed"),
        ("\u{1b}[31mnot good\u{1b}[0m", "not good"),
    ];
    for (message, expected) in cases {
        assert_eq!(template(message), expected, "{message}");
    }
}

#[test]
fn names_with_numbers_and_plain_words_stay() {
    for message in [
        "Encoding: utf-8",
        "uses sha-256 over HTTP/2 with TLSv1.3",
        "call of Fee::add() failed",
        "call of dead::beef failed",
        "java.io.IOException happened in python3.11",
        "content of type application/json refused",
        "either and/or else",
        "it can't be what it doesn't say",
        "Request failed with status code 404",
        "TS2304 and E0425 stay",
        "React error #425 stays",
        "i32 and u8 and Vec2 stay",
        "ConvertUtf8ToUtf16LittleEndian stays",
        "process.env.app stays",
    ] {
        assert_eq!(template(message), message);
    }
}

#[test]
fn json_in_a_message_keeps_its_keys_and_loses_its_values() {
    assert_eq!(
        template(r#"bad body {"dogs are great": true, "dog_id": "greatdog1231", "name": "Rex", "n": 3}"#),
        r#"bad body {"dogs are great": <bool>, "dog_id": "<id>", "name": "<str>", "n": <int>}"#
    );
    assert_eq!(
        template("{'dogs are great': True, 'dog_id': 'greatdog1231'}"),
        "{'dogs are great': <bool>, 'dog_id': '<id>'}"
    );
}

#[test]
fn only_the_first_two_lines_that_say_something_count() {
    assert_eq!(template("\n  first\r\n\n second \nthird"), "first second");
}

#[test]
fn engines_that_word_one_mistake_differently_give_one_class() {
    let read = [
        "Cannot read properties of undefined (reading 'total')",
        "Cannot read property 'total' of undefined",
        "can't access property \"total\", cart.items is undefined",
        "undefined is not an object (evaluating 'cart.items.total')",
    ];
    let classes: Vec<_> = read.iter().map(|message| message_class("js", message)).collect();
    for class in &classes {
        assert_eq!(class, &classes[0]);
    }
    assert_eq!(classes[0].template, "Cannot read properties of undefined (reading '<sym>')");
    assert_eq!(classes[0].symbols, ["total"]);

    for (family, one, other) in [
        ("js", "x is not defined", "Can't find variable: x"),
        ("js", "a.run is not a function", "a.run is not a function. (In 'a.run()', 'a.run' is undefined)"),
        (
            "js",
            "Unexpected token < in JSON at position 0",
            "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
        ),
        ("js", "Maximum call stack size exceeded", "too much recursion"),
        ("python", "name 'totl' is not defined", "name 'totl' is not defined. Did you mean: 'total'?"),
        (
            "python",
            "add() missing 1 required positional argument: 'x'",
            "Cart.add() missing 1 required positional argument: 'x'",
        ),
        (
            "python",
            "local variable 'x' referenced before assignment",
            "cannot access local variable 'x' where it is not associated with a value",
        ),
        ("ruby", "undefined method `total' for nil:NilClass", "undefined method 'total' for nil"),
        ("php", "Undefined index: total", "Undefined array key \"total\""),
        ("go", "index out of range [5] with length 3", "runtime error: index out of range [7] with length 4"),
    ] {
        let (one, other) = (message_class(family, one), message_class(family, other));
        assert_eq!(one, other);
    }
}

#[test]
fn symbols_are_kept_apart_from_the_template() {
    let class = message_class("python", "'NoneType' object has no attribute 'price'");
    assert_eq!(class.template, "'<sym>' object has no attribute '<sym>'");
    assert_eq!(class.symbols, ["NoneType", "price"]);
    let class = message_class("any", "field 'unit_price' of \"Order\" is missing");
    assert_eq!(
        (class.template.as_str(), class.symbols),
        ("field '<sym>' of \"<sym>\" is missing", vec!["unit_price".to_owned(), "Order".to_owned()])
    );
}

#[test]
fn one_file_has_one_text_whoever_has_it_wherever() {
    for written in [
        "/home/ada/shop/src/cart/total.js",
        "/home/bob/dev/shop/src/cart/total.js",
        "/Users/ada/Projects/shop/src/cart/total.js",
        "C:\\Users\\Ada\\source\\repos\\shop\\src\\cart\\total.js",
        "/home/runner/work/shop/shop/src/cart/total.js",
        "D:\\a\\shop\\shop\\src\\cart\\total.js",
        "/github/workspace/src/cart/total.js",
        "/builds/acme/shop/src/cart/total.js",
        "/app/src/cart/total.js",
        "/usr/src/app/src/cart/total.js",
        "/srv/shop/src/cart/total.js",
        "/opt/shop/src/cart/total.js",
        "/var/www/shop/src/cart/total.js",
        "/tmp/build-8f3a/src/cart/total.js",
        "/private/var/folders/x1/abc/T/src/cart/total.js",
        "/root/shop/src/cart/total.js",
        "/nix/store/0123456789abcdefghijklmnopqrstuv-shop-1.0/src/cart/total.js",
        "/home/ada/.cache/bazel/_bazel_ada/8f/execroot/_main/src/cart/total.js",
        "file:///home/ada/shop/src/cart/total.js",
        "webpack://shop/./src/cart/total.js?a1b2",
        "webpack:///./src/cart/total.js",
        "webpack-internal:///(rsc)/./src/cart/total.js",
        "http://localhost:3000/src/cart/total.js?t=1700000000",
        "http://localhost:5173/@fs/home/ada/shop/src/cart/total.js?v=1",
        "app:///src/cart/total.js",
        "./src/cart/total.js",
        "../../src/cart/total.js",
        "src/cart/total.js",
    ] {
        let path = normal_path(written);
        assert_eq!(path.identity, "src/cart/total.js", "{written}");
        assert_eq!(path.origin, Origin::Repository, "{written}");
    }
}

#[test]
fn installed_and_built_in_files_are_told_from_the_repository() {
    for (written, text, origin) in [
        ("/app/node_modules/express/lib/router.js", "express/lib/router.js", Origin::Dependency),
        (
            "/app/node_modules/.pnpm/express@4.18.2/node_modules/express/lib/router.js",
            "express/lib/router.js",
            Origin::Dependency,
        ),
        ("/usr/lib/python3.11/site-packages/flask/app.py", "flask/app.py", Origin::Dependency),
        ("/usr/lib/python3.11/json/decoder.py", "json/decoder.py", Origin::Standard),
        (
            "/home/ada/.cargo/registry/src/index.crates.io-6f17d22bba15001f/serde-1.0.219/src/de.rs",
            "serde/src/de.rs",
            Origin::Dependency,
        ),
        ("/rustc/90b35a623/library/core/src/option.rs", "core/src/option.rs", Origin::Standard),
        (
            "/home/ada/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/context.go",
            "github.com/gin-gonic/gin/context.go",
            Origin::Dependency,
        ),
        ("/usr/local/go/src/runtime/panic.go", "runtime/panic.go", Origin::Standard),
        ("/usr/local/bundle/gems/rack-2.2.8/lib/rack/server.rb", "rack/lib/rack/server.rb", Origin::Dependency),
        ("/var/www/shop/vendor/acme/lib/src/Box.php", "acme/lib/src/Box.php", Origin::Dependency),
        ("node:internal/process/task_queues", "node:internal/process/task_queues", Origin::Runtime),
        ("chrome-extension://abcdef/content.js", "ext:/content.js", Origin::Extension),
    ] {
        let path = normal_path(written);
        assert_eq!((path.text.as_str(), path.origin), (text, origin), "{written}");
    }
    let bundle = normal_path("https://shop.example/static/js/main.3f2a9c1b.chunk.js");
    assert!(bundle.minified);
    assert_eq!(bundle.identity, "main.<h>.chunk.js");
    assert_eq!(normal_path("https://shop.example/assets/index-BX3k9sQa.js").identity, "index.<h>.js");
    assert!(!normal_path("src/checkout.handlers.js").minified);
}

#[test]
fn names_lose_what_compilers_and_engines_add() {
    for (family, function, module, expected) in [
        ("js", "Cart.total [as sum]", None, (None, Some("total"))),
        ("js", "async Promise.all (index 0)", None, (None, Some("all"))),
        ("js", "new Cart", None, (None, Some("Cart"))),
        ("js", "Object.<anonymous>", None, (None, Some("<anonymous>"))),
        ("js", "cart/total<", None, (None, Some("total"))),
        ("js", "total/<", None, (None, Some("<anonymous>"))),
        ("js", "async*load", None, (None, Some("load"))),
        ("rust", "shop::cart::total::{{closure}}::h0123456789abcdef", None, (Some("shop::cart"), Some("total"))),
        ("rust", "<shop::Cart as core::fmt::Display>::fmt", None, (Some("core::fmt::Display"), Some("fmt@shop::Cart"))),
        ("rust", "core::option::Option<T>::unwrap", None, (Some("core::option::Option"), Some("unwrap"))),
        (
            "go",
            "github.com/acme/shop/cart.(*Cart).Total",
            None,
            (Some("github.com/acme/shop/cart"), Some("(*Cart).Total")),
        ),
        ("go", "main.main.func1.2", None, (Some("main"), Some("main.func"))),
        ("go", "shop.Map[...]", None, (Some("shop"), Some("Map"))),
        ("jvm", "total", Some("com.acme.Cart$$EnhancerBySpringCGLIB$$1a2b3c"), (Some("com.acme.Cart"), Some("total"))),
        ("jvm", "lambda$total$3", Some("com.acme.Cart"), (Some("com.acme.Cart"), Some("total"))),
        ("jvm", "invokeSuspend", Some("com.acme.Cart$total$1"), (Some("com.acme.Cart"), Some("total"))),
        ("jvm", "access$getItems", Some("com.acme.Cart"), (Some("com.acme.Cart"), Some("getItems"))),
        ("jvm", "java.base/java.util.ArrayList.get", None, (Some("java.util.ArrayList"), Some("get"))),
        ("csharp", "Acme.Cart.<Total>d__5.MoveNext", None, (Some("Acme.Cart"), Some("Total"))),
        ("csharp", "Acme.Cart.<>c__DisplayClass1_0.<Total>b__0", None, (Some("Acme.Cart"), Some("Total"))),
        ("csharp", "Acme.Box`1.Get(String key)", None, (Some("Acme.Box"), Some("Get"))),
        ("ruby", "block (2 levels) in total", None, (None, Some("total"))),
        ("ruby", "Cart#total", None, (None, Some("total"))),
        ("php", "Acme\\Cart->total", None, (Some("Acme\\Cart"), Some("total"))),
        ("php", "Acme\\Cart->Acme\\{closure}", None, (Some("Acme\\Cart"), Some("{closure}"))),
        ("native", "__GI_raise", None, (None, Some("raise"))),
        ("native", "draw.part.0", None, (None, Some("draw"))),
        ("native", "??", Some("/usr/lib/libgtk-x11-2.0.so.0"), (None, Some("??@libgtk-x-.so"))),
        ("python", "<lambda>", None, (None, Some("<lambda>"))),
    ] {
        let name = normal_name(family, Some(function), module);
        assert_eq!((name.module.as_deref(), name.function.as_deref()), expected, "{family} {function}");
    }
}

#[test]
fn types_lose_decoration_and_are_judged() {
    assert_eq!(error_type("Uncaught TypeError", "", None).name, "TypeError");
    assert_eq!(error_type("java.lang.NullPointerException", "", None).name, "NullPointerException");
    assert_eq!(error_type("InternalError", "too much recursion", None).name, "RangeError");
    assert!(error_type("panic", "", None).generic);
    assert!(!error_type("ZeroDivisionError", "", None).generic);
    assert!(error_type("error", "", Some("TS2304")).symbolic);
}

#[test]
fn files_of_tests_are_known_by_the_runners_habits() {
    for path in
        ["tests/test_cart.py", "cart_test.go", "src/cart.test.ts", "spec/cart_spec.rb", "src/test/java/CartTest.java"]
    {
        assert!(is_test_path(path), "{path}");
    }
    for path in ["src/contest.py", "src/latest.js", "src/attestation.rs"] {
        assert!(!is_test_path(path), "{path}");
    }
}

#[test]
fn the_hash_of_the_tables_is_a_whole_digest() {
    assert_eq!(ruleset().len(), 64);
}

#[test]
fn hostile_messages_are_read_in_linear_time() {
    for piece in ["a'", "/a", "\"\\", "<", "1,", "a.", "::", "@", "{\"a\":", "0x", "a=", "((", "`", "-", "2024-"] {
        let message = piece.repeat(20_000 / piece.len());
        for family in ["js", "python", "jvm", "any"] {
            let class = message_class(family, &message);
            assert!(class.template.len() < 40_000);
        }
        assert!(normal_path(&message).text.len() < 5000);
        assert!(normal_name("rust", Some(&message), None).full.len() < 2000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_template_is_its_own_template(message in r#"([a-z]{1,6}|[0-9]{1,6}|[A-Za-z0-9]{1,24}|['"`/\\:.,@=<>(){}\[\] #_-]|0x[0-9a-f]{1,8}|/[a-z]{1,5}\.[a-z]{2}|https://x\.org/|1\.2\.3|[0-9]ms|'[a-z]{1,9}'| ){0,24}"#) {
        for family in ["any", "js", "python"] {
            let once = message_class(family, &message).template;
            prop_assert_eq!(&message_class(family, &once).template, &once, "of {:?}", message);
        }
    }

    #[test]
    fn a_path_is_its_own_path(path in r"(/|\./|\.\./|C:\\)?(home|Users|src|lib|app|tmp|node_modules|vendor|[a-z]{1,6}|[a-z]{2}-1\.2\.3|[a-z]{2}@1\.0)([/\\](home|src|app|tmp|gems|node_modules|[a-z]{1,6}|[a-z]{2}-1\.2\.3)){0,6}\.(js|py|rs)") {
        let once = normal_path(&path).text;
        prop_assert_eq!(normal_path(&once).text, once);
    }

    #[test]
    fn nothing_that_anyone_writes_breaks_the_readers(text in r"\PC{0,200}") {
        for family in ["js", "python", "rust", "go", "jvm", "csharp", "ruby", "php", "native", "any"] {
            prop_assert!(message_class(family, &text).symbols.len() <= 4);
            prop_assert!(normal_name(family, Some(&text), Some(&text)).full.len() <= 8 * (text.len() + 8));
            prop_assert!(error_type(&text, &text, None).name.len() <= 1000);
        }
        prop_assert!(normal_path(&text).text.len() <= text.len() + 8);
    }
}
