//! The redaction vectors of the threat model, by their ids.

use std::time::{Duration, Instant};

use base64::Engine as _;
use proptest::prelude::*;

use super::*;

fn redact(text: &str) -> String {
    Redactor::new(&[]).redact(text).into_string()
}

#[track_caller]
fn gone(text: &str, secret: &str) {
    let shown = redact(text);
    assert!(!shown.contains(secret), "{secret:?} is still in {shown:?}");
    assert!(shown.contains('<'), "{shown:?}");
}

#[track_caller]
fn kept(text: &str) {
    assert_eq!(redact(text), text);
}

/// Makes a token at run time, so that no scanner takes this file for a leak.
fn token(prefix: &str, length: usize) -> String {
    let alphabet = "aB3dE5fG7hJ9kLmN";
    format!("{prefix}{}", alphabet.chars().cycle().take(length).collect::<String>())
}

#[test]
fn r_01_an_address_of_a_person_goes_and_its_brackets_stay() {
    assert_eq!(redact("John <john.o'neil+x@sub.example.co.uk>"), "John <<EMAIL_1>>");
    assert_eq!(redact("a@b.example, c@d.example, a@b.example"), "<EMAIL_1>, <EMAIL_2>, <EMAIL_1>");
}

#[test]
fn r_02_what_only_has_an_at_sign_stays() {
    for text in
        ["git@github.com:o/r.git", "foo@1.2.3", "@decorator", "user@localhost", "icon@2x.png", "pkg@1.2.3-rc.beta"]
    {
        kept(text);
    }
}

#[test]
fn r_03_an_escaped_address_goes_too() {
    for text in [
        "john%40example.com",
        "john&#64;example.com",
        "\"john\\u0040example.com\"",
        "john\u{ff20}example.com",
        "jo\u{200b}hn@example.com",
    ] {
        gone(text, "example.com");
    }
}

#[test]
fn r_04_card_numbers_go() {
    for text in [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "6011111111111117",
        "6304000000000000000",
        "4111 1111\n1111 1111",
        "4111 1111\n[worker] 1111 1111",
    ] {
        let shown = redact(text);
        assert!(shown.contains("<CARD_1>") && !shown.contains("1111 1111"), "{text:?} {shown:?}");
    }
}

#[test]
fn r_05_numbers_that_are_no_cards_stay() {
    for text in
        ["4111111111111112", "2024010112345678", "1700000000000000", "0x4111111111111111", "id=a4111111111111111"]
    {
        kept(text);
    }
}

#[test]
fn r_06_social_security_numbers_go() {
    gone("ssn 078-05-1120.", "078-05-1120");
    gone("219-09-9999", "219-09-9999");
    kept("123-45-67890");
}

#[test]
fn r_07_telephone_numbers_go_and_versions_stay() {
    for text in ["+1 (415) 555-2671", "+44 20 7946 0958", "415.555.2671", "(415) 555-2671", "+14155552671"] {
        assert_eq!(redact(text), "<PHONE_1>", "{text}");
    }
    for text in ["1.415.555.2671", "415:555", "5551234", "@@ -1,5 +10,7 @@"] {
        kept(text);
    }
}

#[test]
fn r_08_addresses_of_machines_go() {
    assert_eq!(redact("203.0.113.7:8080"), "<IP_1>:8080");
    assert_eq!(redact("[2001:db8::1]:443"), "[<IP_1>]:443");
    for text in ["203.0.113.7", "2001:db8::1", "fe80::1%eth0", "::ffff:203.0.113.7"] {
        assert_eq!(redact(text), "<IP_1>", "{text}");
    }
}

#[test]
fn r_09_versions_paths_and_loopback_stay() {
    for text in [
        "1.2.3.4-beta",
        "999.1.1.1",
        "foo::1",
        "std::io::Error",
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "add::f32",
        "v1.2.3.4",
        "12:34:56",
    ] {
        kept(text);
    }
}

#[test]
fn r_10_the_person_in_a_path_goes_and_the_frame_stays() {
    assert_eq!(redact("/home/jane/src/x.rs:10"), "/home/<USER_1>/src/x.rs:10");
    assert_eq!(redact("C:\\Users\\jane\\x"), "C:\\Users\\<USER_1>\\x");
    assert_eq!(redact("at /Users/jane/"), "at /Users/<USER_1>/");
    assert_eq!(redact("\"C:\\\\Users\\\\nina\\\\x\""), "\"C:\\\\Users\\\\<USER_1>\\\\x\"");
    for text in ["/home/runner/work/a/b.ts:1", "src/home/index.tsx", "https://host.example/home/page"] {
        kept(text);
    }
}

#[test]
fn r_11_the_value_goes_and_the_key_stays() {
    for (text, wanted) in [
        ("Authorization: Bearer abc.def", "Authorization: Bearer <SECRET_1>"),
        ("Bearer\tx", "Bearer\t<SECRET_1>"),
        ("token=abcdef", "token=<SECRET_1>"),
        ("\"api_key\": \"q1w2e3\"", "\"api_key\": \"<SECRET_1>\""),
        ("https://u:p@host/", "https://u:<SECRET_1>@host/"),
        ("postgres://u:p%40ss@h/db", "postgres://u:<SECRET_1>@h/db"),
        ("Cookie: sid=abc; theme=dark", "Cookie: <SECRET_1>"),
        ("{\"Authorization\":\"Basic dTpw\"}", "{\"Authorization\":\"Basic <SECRET_1>\"}"),
        ("DB_PASSWORD: hunter22", "DB_PASSWORD: <SECRET_1>"),
    ] {
        assert_eq!(redact(text), wanted);
    }
    for text in [
        "token = parser.next()",
        "password: string",
        "max_tokens=100",
        "the bearer of news",
        "token=${TOKEN}",
        "secret: null",
    ] {
        kept(text);
    }
}

#[test]
fn r_12_classic_tokens_of_the_forge_go() {
    for prefix in ["ghp_", "gho_", "ghu_", "ghr_", "ghs_"] {
        let token = token(prefix, 36);
        assert_eq!(redact(&format!("x {token} y")), "x <SECRET_1> y");
    }
    let fine = token("github_pat_", 82);
    assert_eq!(redact(&fine), "<SECRET_1>");
}

#[test]
fn r_13_the_long_signed_token_goes_as_a_whole() {
    let token = format!("ghs_123456_eyJ{}.eyJ{}.{}-with_-and-", token("", 90), token("", 200), token("", 80));
    assert_eq!(redact(&format!("a {token} b")), "a <SECRET_1> b");
}

#[test]
fn r_14_tokens_of_today_go() {
    let hex = "0123456789abcdef".repeat(4);
    let tokens = [
        format!("AKIA{}", "Q7RZ".repeat(4)),
        format!("ASIA{}", "Q7RZ".repeat(4)),
        token("AIza", 35),
        token("ya29.", 60),
        token("xoxb-", 40),
        token("sk_live_", 24),
        token("npm_", 36),
        token("pypi-", 100),
        token("sk-ant-api03-", 90),
        token("sk-proj-", 100),
        token("sk-", 48),
        token("glpat-", 20),
        token("hf_", 34),
        format!("dop_v1_{hex}"),
        format!("{}.{}.{}", token("eyJ", 30), token("eyJ", 60), token("", 43)),
    ];
    for token in &tokens {
        assert_eq!(redact(&format!("before {token} after")), "before <SECRET_1> after", "{token}");
    }
    let secret = token("", 40);
    gone(&format!("AKIA{}\nsecret here: {secret}", "Q7RZ".repeat(4)), &secret);
    let key = format!("{}==", token("", 86));
    gone(&format!("AccountName=x;AccountKey={key};"), &key);
    let signature = format!("{}%3D", token("", 43));
    gone(&format!("https://x.example/?sv=1&sig={signature}&se=2"), &signature);
}

#[test]
fn r_15_a_token_glued_to_an_escape_goes() {
    let token = token("ghp_", 36);
    assert_eq!(redact(&format!("\x1b[31m{token}\x1b[0m")), "\x1b[31m<SECRET_1>\x1b[0m");
    assert_eq!(redact(&format!("\"\\n{token}\"")), "\"\\n<SECRET_1>\"");
    let bounded = self::token("sk-", 48);
    assert_eq!(redact(&format!("\x1b[1;31m{bounded}")), "\x1b[1;31m<SECRET_1>");
    assert_eq!(redact(&format!("\"\\n{bounded}\"")), "\"\\n<SECRET_1>\"");
    let (head, tail) = token.split_at(20);
    gone(&format!("{head}\x1b[0m{tail}"), tail);
}

#[test]
fn r_16_private_keys_go_on_one_line_indented_and_cut_off() {
    let (begin, end) =
        (format!("-----BEGIN RSA {} KEY-----", "PRIVATE"), format!("-----END RSA {} KEY-----", "PRIVATE"));
    let body = token("", 64);
    for text in [
        format!("{begin}\n{body}\n{body}\n{end}\nrest"),
        format!("\"{begin}\\n{body}\\n{end}\\n\" rest"),
        format!("  {begin}\n    {body}\n    {end}\nrest"),
    ] {
        let shown = redact(&text);
        assert!(!shown.contains(&body) && shown.ends_with("rest"), "{shown}");
    }
    gone(&format!("{begin}\n{body}\n{body}"), &body[..40]);
}

#[test]
fn p_25_r_17_a_known_value_goes_in_every_coat() {
    let value = "s3cr/t+V\"lue-9";
    let redactor = Redactor::new(&[Secret::new(value)]);
    let standard = base64::engine::general_purpose::STANDARD;
    let safe = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let hex = value.bytes().fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
    let mut coats = vec![
        value.to_owned(),
        value.chars().rev().collect(),
        hex.clone(),
        hex.to_uppercase(),
        "s3cr%2Ft%2BV%22lue-9".to_owned(),
        "s3cr\\/t+V\\\"lue-9".to_owned(),
        "s3cr/t\u{200b}+V\"lue-9".to_owned(),
        "s3cr/t+V\n\"lue-9".to_owned(),
        "s 3 c r / t + V \" l u e - 9".to_owned(),
        "s3cr/t&#43;V&quot;lue-9".to_owned(),
    ];
    for offset in 0..3 {
        let padded = format!("{}{value}tail", "#".repeat(offset));
        coats.push(standard.encode(&padded));
        coats.push(safe.encode(&padded));
    }
    for coat in coats {
        let text = format!("before {coat} after");
        let shown = redactor.redact(&text);
        assert_eq!(shown.remarks().len(), 1, "{coat:?} {shown}");
        let left = shown.as_str().replace("before ", "").replace(" after", "").replace("<SECRET_1>", "");
        assert!(left.len() <= 8, "{coat:?} leaves {left:?}");
    }
}

#[test]
fn r_18_a_common_word_is_no_secret() {
    let redactor = Redactor::new(&[Secret::new("true"), Secret::new("master"), Secret::new("abcde"), Secret::new("")]);
    assert_eq!(redactor.redact("true master abcde").as_str(), "true master abcde");
    assert_eq!(redactor.ignored(), 3);
}

#[test]
fn r_19_of_overlapping_places_the_outermost_goes_once() {
    let token = format!("eyJhbGciOiJI.{}.x", self::token("", 20));
    let text = format!("https://bob@mail.example:{token}@host.example/x");
    let shown = redact(&text);
    assert!(!shown.contains("eyJ") && !shown.contains("<<"), "{shown}");
    assert_eq!(redact(&shown), shown);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the vector is a bound on time; it is far above what the text takes")]
fn r_20_time_is_linear_in_hostile_text() {
    let header = format!("-----BEGIN {} KEY-----", "PRIVATE");
    for piece in [
        "4",
        "4 ",
        "a@",
        "-----BEGIN",
        &header,
        "eyJ",
        "ghp_",
        "://",
        "token=",
        "token=\"",
        "password='x",
        "://u:",
        "?sig=",
        "IBAN GB29 ",
        "\\n",
        "%41",
        "&#65;",
        "\u{1b}[31m",
        "1.",
        ":",
        "AA00",
        "+1",
        "/home/",
        "AKIA0000000000000000 ",
        "\\u0040",
        "<EMAIL_1>",
        "Cookie: a=",
        "a@b.co,",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let started = Instant::now();
        let shown = redact(&text);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(20), "{piece:?} took {took:?}");
        assert!(shown.len() <= text.len() * 3);
    }
}

#[test]
fn r_21_redacting_twice_changes_nothing() {
    let token = token("ghp_", 36);
    let text = format!(
        "a@b.example {token} Authorization: Bearer zzz999 https://u:p@h/ 4111 1111 1111 1111 /home/jane/x password=\"hunter2!!\" Cookie: a=b; c=d\n+1 415 555 2671 203.0.113.7"
    );
    let once = redact(&text);
    assert_eq!(redact(&once), once);
}

#[test]
fn r_22_marks_stand_right_among_characters_of_many_bytes() {
    let text = "\u{1f600}a@b.example\u{1f600} \u{e9}\u{4e2d} b@c.example\u{2026}";
    let redacted = Redactor::new(&[]).redact(text);
    assert_eq!(redacted.as_str(), "\u{1f600}<EMAIL_1>\u{1f600} \u{e9}\u{4e2d} <EMAIL_2>\u{2026}");
    let remark = &redacted.remarks()[0];
    assert_eq!(&text[remark.start..remark.end], "a@b.example");
}

#[test]
fn r_26_a_planted_mark_keeps_its_number() {
    assert_eq!(
        redact("<EMAIL_1> a@b.example <EMAIL_3> c@d.example x@y.example"),
        "<EMAIL_1> <EMAIL_2> <EMAIL_3> <EMAIL_4> <EMAIL_5>"
    );
    gone("<CARD_4111111111111111>", "4111");
}

#[test]
fn r_27_account_numbers_with_a_right_checksum_go() {
    assert_eq!(redact("GB29 NWBK 6016 1331 9268 19"), "<IBAN_1>");
    assert_eq!(redact("to DE89370400440532013000."), "to <IBAN_1>.");
    kept("GB28 NWBK 6016 1331 9268 19");
}

#[test]
fn secrets_are_listed_by_line_and_column() {
    let token = token("ghp_", 36);
    let found = secrets(&format!("a\n\u{e9} = \"{token}\"\npassword = \"example\"\n"));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.rule, one.line, one.column, one.end_line, one.end_column), ("github-token", 2, 6, 2, 46));
    assert_eq!(secrets("api_key = \"a8f5f167f44f4964e6c998dee827110c\"").len(), 1);
    for text in [
        "token = user.session_token1",
        "let secret = secret_v2_long_name;",
        "token: \"access_token_v2\"",
        "token = self.tokens[0]",
        "password = getpass()",
        "let token: String = next();",
        "password=changeme123",
    ] {
        assert_eq!(secrets(text), [], "{text}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a@b.example".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("token=".to_owned()),
        Just("https://u:p@h/".to_owned()),
        Just("<EMAIL_1>".to_owned()),
        Just("\x1b[31m".to_owned()),
        Just("Bearer ".to_owned()),
        Just("203.0.113.7".to_owned()),
        Just(token("ghp_", 36)),
        Just("hunter-two-2".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,3}",
        "[0-9:.@+/<>%&;\\\\\"'\n -]{0,5}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p_19_redaction_is_idempotent_and_spans_are_right(text in pieces()) {
        let redactor = Redactor::new(&[Secret::new("hunter-two-2")]);
        let once = redactor.redact(&text);
        prop_assert!(!once.as_str().contains("hunter-two-2"));
        let mut at = 0;
        for remark in once.remarks() {
            prop_assert!(at <= remark.start && remark.start < remark.end && text.is_char_boundary(remark.start) && text.is_char_boundary(remark.end));
            at = remark.end;
        }
        let twice = redactor.redact(once.as_str());
        prop_assert_eq!(twice.as_str(), once.as_str());
    }

    #[test]
    fn stripped_text_has_no_controls_and_is_stable(text in "\\PC{0,8}[\\x00-\\x1f\\x7f-\\u{9f}]{0,4}[\\[\\]a-z;0-9]{0,6}\\PC{0,8}") {
        let once = strip_controls(&text);
        prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        prop_assert_eq!(strip_controls(&once), once);
    }
}

#[test]
fn texts_redacted_together_share_their_marks_and_keep_their_places() {
    let redactor = Redactor::new(&[]);
    let texts = ["ann@example.com wrote", "to bob@example.com and ann@example.com", "nobody"];
    let all = redactor.redact_all(&texts);
    let shown: Vec<&str> = all.iter().map(Redacted::as_str).collect();
    assert_eq!(shown, ["<EMAIL_1> wrote", "to <EMAIL_2> and <EMAIL_1>", "nobody"]);
    let places: Vec<&str> = all[1].remarks().iter().map(|remark| &texts[1][remark.start..remark.end]).collect();
    assert_eq!(places, ["bob@example.com", "ann@example.com"]);
    // A key without an end would swallow what follows; each text is then read by itself, and nothing of the key is left.
    let open = redactor.redact_all(&["-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc", "code"]);
    assert_eq!((open.len(), open[1].as_str()), (2, "code"));
    assert!(!open[0].as_str().contains("MIIEow"), "{:?}", open[0]);
    assert_eq!(redactor.redact_all(&["a\0b", "\n\0\n"]).len(), 2);
}
