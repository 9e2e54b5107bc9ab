//! Laws over the frozen corpus: what must not move an identity, and what must.

use crate::fingerprint::{FrameKind, identify, normal_frames};
use crate::model::{Exception, Failure, Frame, Language};

use super::{exception, failure, frame};

fn corpus() -> Vec<(String, Failure)> {
    let text = include_str!("../../../tests/data/fingerprint/frozen.jsonl");
    let read = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).expect("a line of the corpus is JSON");
        let name = value["name"].as_str().expect("a case has a name").to_owned();
        (name, serde_json::from_value(value["failure"].take()).expect("a case has a failure"))
    };
    text.lines().map(read).collect()
}

/// Checks that a change of every failure it applies to leaves both identities where they were.
fn invariant(least: usize, change: impl Fn(&mut Failure) -> bool) {
    let mut applied = 0;
    for (name, before) in corpus() {
        let mut after = before.clone();
        if !change(&mut after) {
            continue;
        }
        applied += 1;
        let (before, after) = (identify(&before), identify(&after));
        assert_eq!(before.components.canonical(), after.components.canonical(), "{name}");
        assert_eq!(before.family, after.family, "{name}");
    }
    assert!(applied >= least, "the change applied to {applied} cases only");
}

/// Checks that a change of every failure it applies to gives another identity.
fn separate(least: usize, change: impl Fn(&mut Failure) -> bool) {
    let mut applied = 0;
    for (name, before) in corpus() {
        let mut after = before.clone();
        if change(&mut after) {
            applied += 1;
            assert_ne!(identify(&before).fingerprint, identify(&after).fingerprint, "{name}");
        }
    }
    assert!(applied >= least, "the change applied to {applied} cases only");
}

fn frames(failure: &mut Failure) -> impl Iterator<Item = &mut Frame> {
    failure.chain.iter_mut().flat_map(|exception| exception.frames.iter_mut())
}

fn replace_paths(failure: &mut Failure, from: &str, to: &str) -> bool {
    let mut any = false;
    for path in frames(failure).filter_map(|frame| frame.path.as_mut()) {
        if path.contains(from) {
            *path = path.replace(from, to);
            any = true;
        }
    }
    any
}

#[test]
fn lines_and_columns_do_not_matter() {
    invariant(50, |failure| {
        frames(failure).for_each(|frame| {
            frame.line = frame.line.map(|line| line + 17);
            frame.column = Some(5);
        });
        frames(failure).next().is_some()
    });
}

#[test]
fn who_checked_it_out_and_where_does_not_matter() {
    for root in [
        "/home/bob/shop/",
        "/Users/ada/Projects/shop/",
        "/home/runner/work/shop/shop/",
        "/__w/shop/shop/",
        "/builds/acme/shop/",
        "/github/workspace/",
        "/app/",
        "/usr/src/app/",
        "/srv/shop/",
        "/opt/shop/",
        "/var/www/shop/",
        "/tmp/x81k/",
        "C:/Users/Ada/shop/",
        "D:/a/shop/shop/",
        "file:///home/ada/shop/",
    ] {
        invariant(8, |failure| replace_paths(failure, "/home/ada/shop/", root));
        invariant(6, |failure| {
            frames(failure).filter_map(|frame| frame.path.as_mut()).filter(|path| path.starts_with("/app/")).fold(
                false,
                |_, path| {
                    *path = path.replacen("/app/", root, 1);
                    true
                },
            )
        });
    }
}

#[test]
fn backslashes_and_a_drive_do_not_matter() {
    invariant(8, |failure| {
        let hit = replace_paths(failure, "/home/ada/shop/", "C:/Users/Ada/shop/");
        replace_paths(failure, "/", "\\");
        hit
    });
}

#[test]
fn versions_of_languages_and_packages_do_not_matter() {
    for (from, to) in [
        ("python3.11", "python3.12"),
        ("index.crates.io-6f17d22bba15001f/tokio-1.40.0", "index.crates.io-1949cf8c6b5b557f/tokio-1.41.2"),
        ("/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/", "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/"),
        ("actionpack-7.1.2", "actionpack-7.2.0"),
        ("main.3f2a9c1b.chunk", "main.99e1d2c3.chunk"),
        ("runtime.77aa11bc", "runtime.0f9e8d7c"),
        ("?a1b2", "?ffee"),
        ("libgtk-x11-2.0.so.0", "libgtk-x11-3.0.so.0"),
    ] {
        invariant(usize::from(from != "libgtk-x11-2.0.so.0"), |failure| replace_paths(failure, from, to));
    }
    invariant(1, |failure| {
        frames(failure).filter_map(|frame| frame.module.as_mut()).filter(|module| module.contains("-2.0.so")).fold(
            false,
            |_, module| {
                *module = module.replace("-2.0.so.0", "-2.0.so.0.3200.1");
                true
            },
        )
    });
    invariant(1, |failure| {
        frames(failure)
            .filter_map(|frame| frame.function.as_mut())
            .filter(|name| name.ends_with("::h0123456789abcdef"))
            .fold(false, |_, name| {
                *name = name.replace("::h0123456789abcdef", "::hfedcba9876543210");
                true
            })
    });
}

#[test]
fn frames_of_frameworks_and_schedulers_do_not_matter_where_the_repository_has_frames() {
    let noise = |language: Language| match language.family() {
        "js" => vec![
            "next||/x/node_modules/express/lib/router/route.js|144",
            "process.processTicksAndRejections||node:internal/process/task_queues|95",
        ],
        "python" => vec![
            "wrapper||/usr/lib/python3/dist-packages/django/core/handlers/base.py|9",
            "run||/usr/lib/python3.12/asyncio/runners.py|118",
        ],
        "rust" => vec![
            "tokio::runtime::park::CachedParkThread::block_on||/root/.cargo/registry/src/x-1/tokio-1.40.0/src/runtime/park.rs|281",
            "std::panicking::try||/rustc/aa/library/std/src/panicking.rs|5",
        ],
        "go" => vec![
            "net/http.serverHandler.ServeHTTP||/usr/local/go/src/net/http/server.go|3137",
            "runtime.goexit||/usr/local/go/src/runtime/asm_amd64.s|1695",
        ],
        "jvm" => vec![
            "invoke|org.apache.catalina.core.StandardWrapperValve|StandardWrapperValve.java|168",
            "run|java.lang.Thread|Thread.java|833",
        ],
        "csharp" => vec![
            "Microsoft.AspNetCore.Mvc.Infrastructure.ResourceInvoker.Next()||",
            "System.Threading.Tasks.Task.Execute()||",
        ],
        "ruby" => vec!["call||/usr/local/bundle/gems/rack-3.0.1/lib/rack/head.rb|15"],
        "php" => vec![
            "Illuminate\\Pipeline\\Pipeline->then()||/x/vendor/laravel/framework/src/Illuminate/Pipeline/Pipeline.php|119",
        ],
        _ => vec!["__libc_start_main||/lib/libc.so.6|", "abort||/lib/libc.so.6|"],
    };
    for at_the_top in [true, false] {
        invariant(30, |failure| {
            let app = normal_frames(failure).all.iter().any(|frame| frame.contributes && frame.kind == FrameKind::App);
            let Some(language) = failure.language.filter(|_| app && failure.tool.is_none()) else { return false };
            let exception = failure.chain.iter_mut().find(|e| !e.frames.is_empty()).expect("it has frames");
            let extra = noise(language).into_iter().map(frame).cycle().take(5);
            let at = if at_the_top { 0 } else { exception.frames.len() };
            exception.frames.splice(at..at, extra);
            true
        });
    }
}

#[test]
fn v_100_ids_dates_hosts_and_numbers_of_a_message_do_not_matter() {
    let texts = [
        "order 4711 of ada@example.org at 2024-05-01T10:00:00Z from 10.0.0.7 took 15ms, see https://x.example/a?b=1 (6f9619ff-8b86-d011-b42d-00c04fc964ff)",
        "order 9 of bob@example.com at 2025-12-24T23:59:59.123+02:00 from 192.168.1.20 took 1.5ms, see https://y.example/c (00000000-8b86-d011-b42d-00c04fc964aa)",
    ];
    for (name, mut one) in corpus() {
        let mut other = one.clone();
        if let (Some(a), Some(b)) = (one.chain.first_mut(), other.chain.first_mut()) {
            (a.message, b.message) = (texts[0].into(), texts[1].into());
        }
        assert_eq!(identify(&one).fingerprint, identify(&other).fingerprint, "{name}");
    }
}

#[test]
fn v_100_a_crash_that_is_told_again_and_again_with_random_parts_is_one_failure() {
    let mut seed = 7_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 16
    };
    for (name, failure) in corpus().into_iter().filter(|(_, failure)| !failure.chain.is_empty()) {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let mut again = failure.clone();
            let (a, b) = (random(), random());
            let message = format!(
                "request {:08x}-{:04x}-4{:03x}-a{:03x}-{:012x} of user {} failed after {}ms at 20{:02}-{:02}-{:02}T{:02}:{:02}:00Z: \
                 object 0x{:012x} from {}.{}.{}.{}:{}, digest {:016x}{:016x}, /tmp/run-{}/part-{}.json, user{}@example.org",
                a & 0xffff_ffff,
                b & 0xffff,
                a & 0xfff,
                b & 0xfff,
                a & 0xffff_ffff_ffff,
                b % 1_000_000,
                a % 90_000,
                10 + b % 80,
                1 + a % 12,
                1 + b % 28,
                a % 24,
                b % 60,
                a | 1 << 44,
                1 + a % 250,
                b % 250,
                a % 200,
                1 + b % 200,
                1024 + a % 60_000,
                a | 1 << 60,
                b | 1 << 60,
                a % 100_000,
                b % 1000,
                b % 5000,
            );
            again.chain[0].message = message.into();
            seen.insert(identify(&again).fingerprint);
        }
        assert_eq!(seen.len(), 1, "{name}");
    }
}

#[test]
fn how_deep_a_recursion_went_does_not_matter() {
    invariant(3, |failure| {
        let exception = &mut failure.chain[0];
        let frames = &exception.frames;
        if frames.len() < 4 || frames[0].function != frames[2].function {
            return false;
        }
        let turn = frames[..2].to_vec();
        // Deeper by seven turns, and struck in the middle of one.
        exception.frames.splice(0..0, turn[1..].iter().cloned().chain(std::iter::repeat_n(turn.clone(), 7).flatten()));
        true
    });
    // Without a limit the innermost frame is the same, however often the cycle ran.
    let trace = |turns: usize| {
        let mut frames = vec!["fail||src/a.py|1"];
        frames.extend(std::iter::repeat_n(["left||src/a.py|5", "right||src/a.py|9"], turns).flatten());
        frames.push("main||src/m.py|3");
        failure(Language::Python, "ZeroDivisionError", "division by zero", &frames)
    };
    for turns in 2..40 {
        assert_eq!(identify(&trace(turns)).fingerprint, identify(&trace(1)).fingerprint, "{turns}");
    }
}

#[test]
fn being_wrapped_in_another_exception_does_not_matter() {
    for wrapper in ["RuntimeException", "java.util.concurrent.ExecutionException", "RuntimeError", "Error"] {
        invariant(30, |failure| {
            if failure.tool.is_some() || failure.chain[0].frames.is_empty() {
                return false;
            }
            failure.chain.push(exception(wrapper, "while doing 17 things", &["outermost||src/wrap.py|3"]));
            true
        });
    }
}

#[test]
fn a_cause_whose_trace_ends_at_the_handler_is_completed_from_the_trace_around_it() {
    let bare = failure(
        Language::Java,
        "com.acme.NoRate",
        "",
        &["rate|com.acme.Rates|Rates.java|9", "total|com.acme.Cart|Cart.java|20", "pay|com.acme.Shop|Shop.java|5"],
    );
    let mut wrapped = bare.clone();
    wrapped.chain[0].frames.pop();
    wrapped.chain.push(exception(
        "RuntimeException",
        "wrapped",
        &["total|com.acme.Cart|Cart.java|22", "pay|com.acme.Shop|Shop.java|5"],
    ));
    assert_eq!(identify(&bare).fingerprint, identify(&wrapped).fingerprint);
}

#[test]
fn engines_print_one_trace_in_three_ways() {
    let v8 = failure(
        Language::JavaScript,
        "TypeError",
        "Cannot read properties of undefined (reading 'price')",
        &[
            "Cart.total||http://localhost:3000/src/cart.js|3",
            "Object.<anonymous>||http://localhost:3000/src/app.js|9",
            "async Shop.pay||http://localhost:3000/src/shop.js|2",
        ],
    );
    let firefox = failure(
        Language::JavaScript,
        "TypeError",
        "can't access property \"price\", item is undefined",
        &[
            "total||http://localhost:3000/src/cart.js|3",
            "<||http://localhost:3000/src/app.js|9",
            "async*pay||http://localhost:3000/src/shop.js|2",
        ],
    );
    let safari = failure(
        Language::JavaScript,
        "TypeError",
        "undefined is not an object (evaluating 'item.price')",
        &[
            "total||http://localhost:3000/src/cart.js|3",
            "(anonymous function)||http://localhost:3000/src/app.js|9",
            "pay||http://localhost:3000/src/shop.js|2",
        ],
    );
    assert_eq!(identify(&v8).fingerprint, identify(&firefox).fingerprint);
    assert_eq!(identify(&v8).fingerprint, identify(&safari).fingerprint);
}

#[test]
fn carriage_returns_and_colours_in_a_message_do_not_matter() {
    invariant(50, |failure| {
        for Exception { message, .. } in &mut failure.chain {
            *message = format!("\u{1b}[31m{}\u{1b}[0m\r\n", message.as_str().replace('\n', "\r\n")).into();
        }
        !failure.message().trim().is_empty()
    });
}

#[test]
fn parameters_and_the_order_of_failing_tests_do_not_matter() {
    invariant(7, |failure| {
        for test in &mut failure.tests {
            *test = test.replace("small-3", "large-9").replace("[1]", "[7]").replace("[1:2:1]", "[3:1:2]");
        }
        let mut more: Vec<String> = failure.tests.iter().map(|test| format!("{test}zzz")).collect();
        more.append(&mut failure.tests);
        failure.tests = more;
        !failure.tests.is_empty()
    });
}

#[test]
fn job_commit_context_and_claimed_fingerprint_do_not_matter() {
    invariant(60, |failure| {
        failure.job = Some("test (ubuntu, 22)".to_owned());
        failure.hint = Some("hf1:aaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned());
        failure.context.insert("environment".to_owned(), "staging".into());
        failure.breadcrumbs.push("opened the cart".into());
        true
    });
}

#[test]
fn another_type_is_another_failure() {
    separate(55, |failure| {
        // A diagnostic is told by its code; without one the type speaks.
        if failure.code.is_some() {
            failure.code = Some("OTHER1".to_owned());
        } else {
            failure.chain[0].type_name = "com.acme.CompletelyDifferentError".to_owned();
        }
        true
    });
}

#[test]
fn another_innermost_function_of_the_repository_is_another_failure() {
    separate(30, |failure| {
        if failure.tool.is_some() {
            return false;
        }
        let all = normal_frames(failure).all;
        let Some(at) = all.iter().position(|frame| frame.contributes && frame.is_app() && !frame.minified) else {
            return false;
        };
        let name = failure.chain.iter().flat_map(|e| &e.frames).nth(at).and_then(|frame| frame.function.clone());
        let Some(name) = name.filter(|name| !name.starts_with('<') && !name.contains("invokeSuspend")) else {
            return false;
        };
        let other = match name.split_once('(') {
            Some((before, after)) if !name.starts_with("github") && !name.starts_with("shop/") => {
                format!("{before}Elsewhere({after}")
            }
            _ => format!("{}Elsewhere", name.trim_end_matches("::h0123456789abcdef")),
        };
        frames(failure)
            .filter(|frame| frame.function.as_deref() == Some(name.as_str()))
            .for_each(|frame| frame.function = Some(other.clone()));
        true
    });
}

#[test]
fn another_symbol_is_another_failure_where_the_message_speaks_of_symbols() {
    for symbol in ["price", "totl", "rates", "rate"] {
        separate(1, |failure| {
            let quoted = |text: &str| text.contains(symbol) && !text.contains("price()");
            if !quoted(failure.message()) || failure.error_type() == "KeyError" {
                return false;
            }
            let exception = &mut failure.chain[0];
            exception.message = exception.message.as_str().replace(symbol, "somethingElse").into();
            true
        });
    }
}
