//! Identity, family and explanation, by example.

use crate::fingerprint::{
    Agreement, Components, Shape, batch_line, batch_nothing, identify, innermost_app_frame, same_failure,
};
use crate::model::{Failure, Language};

use super::{exception, failure};

const CART: &[&str] = &["total||/app/src/cart.py|3", "pay||/app/src/shop.py|9"];

#[test]
fn an_identity_is_written_as_the_protocol_says() {
    let identity = identify(&failure(Language::Python, "ZeroDivisionError", "division by zero", CART));
    assert!(identity.fingerprint.as_str().starts_with("hf1:"));
    assert!(identity.family.as_str().starts_with("hff1:"));
    assert_eq!(identity.components.algorithm, "hf1");
    assert_eq!(identity.components.ruleset.len(), 64);
}

#[test]
fn data_in_the_message_counts_only_where_type_and_frames_say_too_little() {
    let id = |name: &str, message: &str, frames: &[&str]| {
        identify(&failure(Language::Python, name, message, frames)).fingerprint
    };
    assert_eq!(id("KeyError", "'a'", CART), id("KeyError", "nothing like it", CART));
    assert_ne!(id("KeyError", "'a'", &CART[..1]), id("KeyError", "nothing like it", &CART[..1]));
    assert_ne!(id("RuntimeError", "no rate", CART), id("RuntimeError", "no cart", CART));
}

#[test]
fn a_family_joins_failures_that_differ_in_message_and_callers() {
    let one = failure(
        Language::Python,
        "RuntimeError",
        "no rate",
        &["a||src/a.py|1", "b||src/b.py|1", "c||src/c.py|1", "d||src/d.py|1"],
    );
    let other = failure(
        Language::Python,
        "RuntimeError",
        "no cart",
        &["a||src/a.py|1", "b||src/b.py|1", "c||src/c.py|1", "e||src/e.py|1"],
    );
    assert_ne!(identify(&one).fingerprint, identify(&other).fingerprint);
    assert_eq!(identify(&one).family, identify(&other).family);
}

#[test]
fn a_failure_of_a_tool_is_told_by_code_message_file_and_test() {
    let mut one = failure(Language::Rust, "error", "cannot find value `x` in this scope", &["||src/a.rs|3"]);
    one.tool = Some("rustc".to_owned());
    one.code = Some("E0425".to_owned());
    let identity = identify(&one);
    assert_eq!(identity.components.shape, Shape::Ci);
    for change in [
        |f: &mut Failure| f.code = Some("E0433".to_owned()),
        |f: &mut Failure| f.tool = Some("clippy".to_owned()),
        |f: &mut Failure| f.chain[0].message = "cannot find value `y` in this scope".into(),
        |f: &mut Failure| f.chain[0].frames[0].path = Some("src/b.rs".to_owned()),
        |f: &mut Failure| f.tests = vec!["a::b".to_owned()],
    ] {
        let mut other = one.clone();
        change(&mut other);
        assert_ne!(identify(&other).fingerprint, identity.fingerprint);
    }
}

#[test]
fn a_claimed_fingerprint_is_shown_and_never_used() {
    let mut one = failure(Language::Python, "ZeroDivisionError", "division by zero", CART);
    let plain = identify(&one).fingerprint;
    one.hint = Some("abc123".to_owned());
    let identity = identify(&one);
    assert_eq!(identity.fingerprint, plain);
    assert!(identity.explanation.to_text().contains("the report claims abc123, which is not used"));
}

#[test]
fn an_explanation_names_every_part_and_why() {
    let identity = identify(&failure(
        Language::Python,
        "ZeroDivisionError",
        "division by zero",
        &["total||/app/src/cart.py|3", "pay||/app/src/shop.py|9", "run||/usr/lib/python3.11/asyncio/runners.py|5"],
    ));
    insta::assert_snapshot!(identity.explanation.to_text().lines().skip(1).collect::<Vec<_>>().join("\n"), @r"
        parts (* counts, + counts for the family too):
          + algorithm hf1 (another version is another identity)
          + language  python (failures of two languages are two failures)
          + type      ZeroDivisionError (the root cause)
            message   division by zero (type and frames say enough, and messages carry data)
          + frame     src/cart.py#total (among the innermost that speak)
          + frame     src/shop.py#pay (among the innermost that speak)
            file      src/cart.py (the frames say it)
        frames, innermost first:
          * app       src/cart.py#total
          * app       src/shop.py#pay
            async     asyncio/runners.py#run (schedules work or starts a thread)
        ");
    let json = serde_json::to_value(&identity.explanation).expect("an explanation is JSON");
    assert_eq!(json["parts"][0]["name"], "algorithm");
    assert_eq!(json["frames"][2]["hint"], "schedules work or starts a thread");
}

#[test]
fn parts_survive_being_stored() {
    let parts = Components::of(&failure(Language::Python, "ZeroDivisionError", "division by zero", CART));
    let text = serde_json::to_string(&parts).expect("parts are JSON");
    let back: Components = serde_json::from_str(&text).expect("and are read back");
    assert_eq!(back, parts);
    assert!(!text.contains("/app/"), "no path of a machine is stored: {text}");
}

#[test]
fn a_line_of_a_batch_has_its_keys_in_order_and_nulls_with_a_reason() {
    let line = batch_line(7.into(), &failure(Language::Python, "ZeroDivisionError", "division by zero", CART));
    let text = serde_json::to_string(&line).expect("a line is JSON");
    let keys = ["id", "fingerprint", "family", "error_type", "message", "frames", "language"];
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).expect("the key is there")).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains(r#"{"function":"total","module":null,"path":"src/cart.py","in_app":true}"#), "{text}");
    let none = serde_json::to_value(batch_line("x".into(), &Failure::default())).expect("a line is JSON");
    assert!(none["fingerprint"].is_null() && none["reason"].is_string());
    assert_eq!(batch_nothing("x".into(), "why").reason.as_deref(), Some("why"));
}

#[test]
fn the_innermost_frame_of_the_repository_is_no_tests_where_another_is_there() {
    let one = failure(
        Language::Python,
        "AssertionError",
        "",
        &["check||tests/test_cart.py|3", "total||src/cart.py|3", "test_total||tests/test_cart.py|9"],
    );
    assert_eq!(innermost_app_frame(&one).expect("there is one").key(), "src/cart.py#total");
}

#[test]
fn callers_may_differ_and_the_failure_is_the_same() {
    let reported = failure(
        Language::Python,
        "KeyError",
        "'rate'",
        &["rate||/srv/shop/src/rates.py|8", "serve||/srv/shop/src/web.py|3"],
    );
    let seen =
        failure(Language::Python, "KeyError", "'rate'", &["rate||src/rates.py|8", "test_rate||tests/test_rates.py|5"]);
    let verdict = same_failure(&reported, &seen);
    assert!(verdict.same && verdict.reason.is_empty(), "{verdict:?}");
}

#[test]
fn another_type_message_or_place_is_another_failure_and_the_reason_says_which() {
    let reported = failure(Language::Python, "NameError", "name 'x' is not defined", &["rate||src/rates.py|8"]);
    for (seen, part) in [
        (failure(Language::Python, "KeyError", "'x'", &["rate||src/rates.py|8"]), "at its root"),
        (failure(Language::Python, "NameError", "name 'y' is not defined", &["rate||src/rates.py|8"]), "other symbols"),
        (
            failure(Language::Python, "NameError", "name 'x' is not defined", &["pay||src/rates.py|8"]),
            "innermost frame",
        ),
        (
            failure(Language::Python, "NameError", "name 'x' is not defined", &["rate||src/other.py|8"]),
            "innermost frame",
        ),
        (failure(Language::Ruby, "NameError", "name 'x' is not defined", &["rate||src/rates.rb|8"]), "python"),
        (failure(Language::Python, "NameError", "", &["pay||src/rates.py|8"]), "no message"),
    ] {
        let verdict = same_failure(&reported, &seen);
        assert!(!verdict.same && verdict.reason.contains(part), "{part}: {verdict:?}");
    }
}

#[test]
fn a_generic_type_without_a_frame_is_never_the_same_failure() {
    let bare = |name: &str| Failure { chain: vec![exception(name, "expected 3, got 4", &[])], ..Failure::default() };
    let verdict = same_failure(&bare("AssertionError"), &bare("AssertionError"));
    assert!(!verdict.same);
    assert_eq!(verdict.frame, Agreement::Unknown);
    assert!(same_failure(&bare("shop.NoRate"), &bare("shop.NoRate")).same);
}

#[test]
fn a_panic_without_a_backtrace_is_told_by_its_file() {
    let reported =
        failure(Language::Rust, "panic", "index out of bounds: the len is 3 but the index is 7", &["||src/cart.rs|14"]);
    let seen = failure(
        Language::Rust,
        "panic",
        "index out of bounds: the len is 2 but the index is 2",
        &[
            "core::panicking::panic_bounds_check||/rustc/aa/library/core/src/panicking.rs|1",
            "shop::cart::total||./src/cart.rs|14",
        ],
    );
    let verdict = same_failure(&reported, &seen);
    assert!(verdict.same, "{verdict:?}");
}

#[test]
fn a_package_left_out_of_a_type_does_not_part_two_reports() {
    let frames = ["total|com.acme.Cart|Cart.java|3"];
    let reported = failure(Language::Java, "NoRateException", "none", &frames);
    let seen = failure(Language::Java, "com.acme.NoRateException", "none", &frames);
    assert!(same_failure(&reported, &seen).same);
    assert!(!same_failure(&failure(Language::Java, "org.other.NoRateException", "none", &frames), &seen).same);
}

#[test]
fn hostile_traces_are_read_without_panic_and_without_growing() {
    let many: Vec<String> = (0..20_000).map(|n| format!("f{n}||src/{n}.py|1")).collect();
    let frames: Vec<&str> = many.iter().map(String::as_str).collect();
    let identity = identify(&failure(Language::Python, &"E".repeat(100_000), &"x ".repeat(100_000), &frames));
    assert!(identity.components.frames.len() <= 64);
    assert!(serde_json::to_string(&identity.components).expect("parts are JSON").len() < 64 * 1024);
    let empty = identify(&Failure::default());
    assert_eq!(empty.components.shape, Shape::Bare);
}

#[test]
fn a_folder_of_the_repository_may_be_named_like_a_library() {
    for path in ["/home/ada/shop/tests/unittest/asyncio/trio.py", "/app/pluggy/cart.py"] {
        let one = failure(Language::Python, "KeyError", "'a'", &[&format!("total||{path}|3")]);
        assert!(innermost_app_frame(&one).is_some(), "{path}");
    }
}
