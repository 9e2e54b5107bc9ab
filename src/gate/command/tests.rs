//! Commands as people write them, and everything that only looks like one. Refuses to judge who wrote it. Layer 1.

use proptest::prelude::*;

use super::*;

#[test]
fn each_command_is_read_with_what_belongs_to_it() {
    assert_eq!(command("/homeostat fix"), Some(Command::Fix { hint: None }));
    assert_eq!(
        command("/homeostat fix  the year is read as a day \t"),
        Some(Command::Fix { hint: Some("the year is read as a day".into()) })
    );
    assert_eq!(command("Please.\r\n/homeostat retry\r\nThanks"), Some(Command::Retry));
    assert_eq!(command("/homeostat\tstop  "), Some(Command::Stop));
    assert_eq!(command("/homeostat explain"), Some(Command::Explain));
    let digest = "0f".repeat(32);
    for written in [digest.clone(), digest.to_uppercase(), format!("sha256:{digest}")] {
        let read = command(&format!("/homeostat approve {written}"));
        assert_eq!(read, Some(Command::Approve { digest: digest.clone() }), "{written}");
    }
    assert_eq!(command("/homeostat approve"), Some(Command::Approve { digest: String::new() }));
}

#[test]
fn everything_else_is_inert() {
    for inert in [
        "",
        "/homeostat",
        "/homeostats fix",
        "/homeostat frobnicate",
        "/homeostat Fix",
        "/Homeostat fix",
        " /homeostat fix",
        "please /homeostat fix",
        "/homeostat retry it",
        "/homeostat stop, please",
        "/homeostat approve a b",
        "/ homeostat fix",
        "@homeostat fix",
        "/homeostat\u{200b} fix",
        "\u{feff}/homeostat fix",
    ] {
        assert_eq!(command(inert), None, "{inert:?}");
    }
}

#[test]
fn the_first_command_alone_counts_and_a_misspelt_one_is_not_passed_over() {
    assert_eq!(command("/homeostat stop\n/homeostat fix"), Some(Command::Stop));
    assert_eq!(command("/homeostat stopp\n/homeostat fix"), None);
}

#[test]
fn v_22_what_is_quoted_hidden_or_code_commands_nothing() {
    for quoted in [
        "> /homeostat fix",
        "> he said\n/homeostat fix",
        "   > he said\nand more\n/homeostat fix",
        "```\n/homeostat fix\n```",
        "~~~ text\n/homeostat fix\n~~~~",
        "````\n```\n/homeostat fix\n````",
        "```\n/homeostat fix",
        "    /homeostat fix",
        "\t/homeostat fix",
        "<!--\n/homeostat fix\n-->",
        "text <!-- a --> <!--\n/homeostat fix",
        "<PRE>\n/homeostat fix\n</PRE>",
        "see `the line\n/homeostat fix` there",
    ] {
        assert_eq!(command(quoted), None, "{quoted:?}");
    }
    for live in [
        "> he said\n\n/homeostat stop",
        "```\ncode\n```\n/homeostat stop",
        "~~~\n```\n~~~\n/homeostat stop",
        "```not`a fence\n\n/homeostat stop",
        "<!-- hidden -->\n/homeostat stop",
        "<!-- a\nb --> <!-- c -->\n/homeostat stop",
        "see `this` there\n/homeostat stop",
        "a ` alone\n\n/homeostat stop",
        "- a list\n/homeostat stop",
    ] {
        assert_eq!(command(live), Some(Command::Stop), "{live:?}");
    }
}

#[test]
fn what_is_endless_is_cut_and_read_in_linear_time() {
    let Some(Command::Fix { hint: Some(hint) }) = command(&format!("/homeostat fix {}", "é".repeat(70_000))) else {
        panic!("a hint");
    };
    assert_eq!(hint.as_str().chars().count(), HINT_CAP);
    let Some(Command::Approve { digest }) = command(&format!("/homeostat approve {}", "a".repeat(70_000))) else {
        panic!("a digest");
    };
    assert_eq!(digest.len(), DIGEST_CAP);
    for hostile in ["<!--", "<pre", "`", "> ", "```\n", "<!---->", "/homeostat\n", "-->"] {
        let text = hostile.repeat(400_000 / hostile.len());
        assert_eq!(command(&text), None, "{hostile:?}");
    }
}

proptest! {
    /// A renderer shows as plain text what we take for a command.
    #[test]
    fn a_command_that_is_found_is_one_that_people_see(parts in proptest::collection::vec(part(), 0..8)) {
        use pulldown_cmark::{Event, Parser, Tag, TagEnd};
        let mut text = parts.join("\n");
        text.push_str("\n/homeostat stop\n");
        if command(&text).is_none() {
            return Ok(());
        }
        let (mut depth, mut shown) = (0_usize, false);
        for event in Parser::new(&text) {
            match event {
                Event::Start(Tag::BlockQuote(_) | Tag::CodeBlock(_)) => depth += 1,
                Event::End(TagEnd::BlockQuote(_) | TagEnd::CodeBlock) => depth -= 1,
                Event::Text(text) => shown |= depth == 0 && text.contains("/homeostat"),
                _ => {}
            }
        }
        prop_assert!(shown, "{text:?}");
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _unused = command(&text);
    }
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("```"),
        Just("````"),
        Just("~~~"),
        Just("   ```"),
        Just("``` rust"),
        Just("> a"),
        Just(">"),
        Just(""),
        Just("words"),
        Just("`a"),
        Just("``b"),
        Just("a `b` c"),
        Just("<!-- a"),
        Just("b -->"),
        Just("<pre>"),
        Just("    code"),
        Just("# title"),
        Just("---"),
        Just("    ```"),
    ]
    .prop_map(str::to_owned)
}
