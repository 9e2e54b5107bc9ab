//! Changes as somebody would write them who wants something else than a fix; each is told whole and as a bare diff.

use base64::Engine as _;

use super::*;

/// One file before and after; `None` where it is not there.
pub(super) type Edit<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Asserts what one rule says of a change: with the whole files at hand, and with the diff alone.
#[track_caller]
pub(super) fn says(rule: Reason, ruling: Ruling, files: &[Edit<'_>]) {
    says_whole(rule, ruling, files);
    let diff = Change::from_patch(&patch_of(files)).to_diff();
    let verdict = judge_diff(diff.as_bytes(), &policy(), Means::default());
    assert_eq!(said(&verdict, rule), ruling, "the diff alone: {diff}\n{verdict:#?}");
}

/// Asserts what one rule says of a change whose files are at hand.
#[track_caller]
pub(super) fn says_whole(rule: Reason, ruling: Ruling, files: &[Edit<'_>]) {
    let verdict = evaluate(&Change::from_patch(&patch_of(files)), &policy());
    assert_eq!(said(&verdict, rule), ruling, "{files:#?}\n{verdict:#?}");
}

fn said(verdict: &Verdict, rule: Reason) -> Ruling {
    verdict.violations.iter().filter(|one| one.rule == rule).map(|one| one.ruling).max().unwrap_or(Ruling::Pass)
}

fn patch_of(files: &[Edit<'_>]) -> Patch {
    let mut patch = Patch::new();
    for (path, before, after) in files {
        let state = |text: Option<&str>| text.map(FileState::plain);
        patch.set(path.parse().expect("a legal path"), state(*before), state(*after));
    }
    patch
}

/// Returns a token that is none, made when it is needed, so that no scanner takes this file for a leak.
fn token() -> String {
    format!("{}_{}", "ghp", "aB3dE5fG7hJ9kLmN".repeat(3).get(..36).expect("enough letters"))
}

#[test]
fn v_17_no_expression_that_a_workflow_would_expand_comes_in_by_any_file_or_spelling() {
    for path in ["src/run.sh", "src/notes.md", "src/a.py", "src/chart.yaml", "src/x.json", "src/workflow.yml.tmpl"] {
        for line in [
            "${{ secrets.X }}",
            "echo ${{ github.token }}",
            "${{secrets['X']}}",
            "${{ toJSON(secrets) }}",
            "${{\tinputs.a",
            // What a parser of YAML or JSON makes of these is the same expression.
            "k: \"\\x24{{ secrets.X }}\"",
            "k: \"\\u0024\\u007b\\u007b secrets.X }}\"",
            "k: \"$\\x7B\\x7B secrets.X }}\"",
            "k: \"\\U00000024{{ secrets.X }}\"",
            "k: \"$\\\n  {{ secrets.X }}\"",
            "k: \"${\\\n  { secrets.X }}\"",
        ] {
            says(Reason::ExpressionInjection, Ruling::Refuse, &[(path, Some("a\n"), Some(&format!("a\n{line}\n")))]);
        }
    }
}

#[test]
fn v_17_an_expression_that_was_there_may_move_and_may_not_change_its_inside() {
    let before = "run: a\nenv:\n  T: ${{\n    env.A\n    }}\n";
    let moved = "env:\n  T: ${{\n    env.A\n    }}\nrun: a\n";
    says(Reason::ExpressionInjection, Ruling::Pass, &[("src/x.yml", Some(before), Some(moved))]);
    // The line that comes has no sign of an expression; it lies inside of one.
    let bent = before.replace("env.A", "secrets.A");
    says(Reason::ExpressionInjection, Ruling::Refuse, &[("src/x.yml", Some(before), Some(&bent))]);
    let twice = "x ${{ env.A }}\n";
    says(
        Reason::ExpressionInjection,
        Ruling::Refuse,
        &[("src/x.yml", Some(twice), Some("x ${{ env.A }}\ny ${{ env.A }}\n"))],
    );
    says(
        Reason::ExpressionInjection,
        Ruling::Refuse,
        &[("src/x.yml", Some(twice), None), ("src/y.yml", None, Some(twice))],
    );
    // A line taken away that is quoted by a comment of the patch is no excuse for another.
    says(
        Reason::ExpressionInjection,
        Ruling::Refuse,
        &[("src/x.yml", Some(twice), Some("x ${{ secrets.B }} # was: env.A\n"))],
    );
}

#[test]
fn v_18_a_token_is_found_in_every_disguise_that_an_added_line_can_wear() {
    let token = token();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&token);
    let shifted = base64::engine::general_purpose::STANDARD.encode(format!("ab{token}"));
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("x{token}"));
    let hex: String = token.bytes().map(|b| format!("{b:02x}")).collect();
    let escaped: String = token.bytes().map(|b| format!("\\x{b:02x}")).collect();
    let percent: String = token.bytes().map(|b| format!("%{b:02X}")).collect();
    let reversed: String = token.chars().rev().collect();
    let (head, tail) = token.split_at(11);
    let by_letter: String = token.chars().map(|c| format!("    '{c}',\n")).collect();
    let spelled: Vec<String> = token.chars().map(|c| format!("\"{c}\"")).collect();
    for text in [
        format!("k = '{token}'\n"),
        format!("k = b64decode('{base64}')\n"),
        format!("k = b64decode('{shifted}')\n"),
        format!("k = '{url}'\n"),
        format!("k = bytes.fromhex('{hex}')\n"),
        format!("k = '{}'\n", hex.to_uppercase()),
        format!("k = '{escaped}'\n"),
        format!("k = '{percent}'\n"),
        format!("k = '{reversed}'[::-1]\n"),
        format!("k = '{head}' + '{tail}'\n"),
        format!("k = \"{head}\" \"{tail}\"\n"),
        format!("k = ('{head}'\n     '{tail}')\n"),
        format!("k = '{head}\\\n{tail}'\n"),
        format!("k = '{head}' . '{tail}';\n"),
        format!("k = ''.join([\n{by_letter}])\n"),
        format!("k = [{}].join('')\n", spelled.join(", ")),
        format!("# {token}\n"),
        format!("k = '{head}\u{200b}{tail}'\n"),
    ] {
        for path in ["src/a.py", "src/b.txt", "package-lock.json"] {
            says(Reason::Secret, Ruling::Refuse, &[(path, Some("a = 1\n"), Some(&format!("a = 1\n{text}")))]);
        }
    }
    // Under a path, and where the file did not have it though another line that goes has.
    says(Reason::Secret, Ruling::Refuse, &[(&format!("src/{token}.txt"), None, Some("x\n"))]);
    says(
        Reason::Secret,
        Ruling::Refuse,
        &[
            ("src/a.py", Some("a = 1\n"), Some(&format!("a = '{token}'\n"))),
            ("src/b.py", Some(&format!("{token}\n")), None),
        ],
    );
}

#[test]
fn v_18_what_goes_is_not_new_and_ordinary_encodings_are_no_secrets() {
    let token = token();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&token);
    says(Reason::Secret, Ruling::Pass, &[("src/a.py", Some(&format!("k = '{token}'\n")), Some("k = env['K']\n"))]);
    says(
        Reason::Secret,
        Ruling::Pass,
        &[("src/a.py", Some(&format!("k = '{base64}'\n")), Some(&format!("key = '{base64}'\n")))],
    );
    for text in [
        "icon = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='\n",
        "digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'\n",
        "integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\n",
        "words = ['one', 'two', 'three'] + ['four']\nassert 'five' + 'six' == 'fivesix'\n",
        "url = 'https://example.org/a%20b%2Fc?d=%E2%82%AC'\n",
    ] {
        says(Reason::Secret, Ruling::Pass, &[("src/a.py", Some("a = 1\n"), Some(&format!("a = 1\n{text}")))]);
    }
}

#[test]
fn v_18_no_part_of_a_known_value_passes_in_any_encoding() {
    let value = "correct-horse_battery.staple/9876";
    let redactor = crate::redact::Redactor::new(&[crate::model::Secret::new(value)]);
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    // "Leave the first seven letters out" is what somebody would ask for who knows what is looked for.
    let part = &value[7..25];
    for text in [
        value.to_owned(),
        part.to_owned(),
        format!("x{part}y"),
        base64(value),
        base64(part),
        base64(&format!("a{part}")),
        base64(&format!("ab{part}")),
        hex(part),
        hex(part).to_uppercase(),
        backwards(part),
        part.chars().map(|c| format!("{c}\n")).collect(),
        part.chars().map(|c| format!("{c} ")).collect(),
        format!("'{}' + '{}'", &part[..6], &part[6..]),
        part.bytes().map(|b| format!("%{b:02x}")).collect(),
    ] {
        let mut patch = Patch::new();
        patch.set(
            "src/a.txt".parse().expect("a legal path"),
            Some(FileState::plain("one\n")),
            Some(FileState::plain(format!("one\n{text}\n"))),
        );
        let change = Change::from_patch(&patch);
        let verdict = evaluate_with(&change, &policy(), Means { known: Some(&redactor), ..Means::default() });
        assert_eq!(said(&verdict, Reason::Secret), Ruling::Refuse, "{text}");
        assert!(!format!("{verdict:?}").contains(part), "the verdict repeats it");
    }
    let mut patch = Patch::new();
    let text = "a correct horse has a battery and a staple; 9876\n";
    patch.set("src/a.txt".parse().expect("a legal path"), None, Some(FileState::plain(text)));
    let means = Means { known: Some(&redactor), ..Means::default() };
    assert_eq!(said(&evaluate_with(&Change::from_patch(&patch), &policy(), means), Reason::Secret), Ruling::Pass);
}

#[test]
fn v_31_v_32_v_35_nothing_that_a_reader_cannot_see_comes_in() {
    for line in [
        "a = 1 # \u{202e}x",
        "\u{2066}a\u{2069} = 1",
        "g\u{200b}et()",
        "a\u{ad}b()",
        "\u{3164} = 1",
        "x\u{e0041}",
        "a\u{feff}b",
        "x \u{1b}[2K y",
        "a = 1\0",
        "x\u{85}y",
        // Line ends that some compilers know and most viewers do not.
        "# harmless\rimport os",
        "// harmless\u{2028}evil()",
        "// harmless\u{2029}evil()",
        "# harmless\x0bimport os",
    ] {
        let after = format!("a = 1\n{line}\n");
        let verdict = judge_diff(
            format!("--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1,2 @@\n a = 1\n+{line}\n").as_bytes(),
            &policy(),
            Means::default(),
        );
        assert!(verdict.verdict == Ruling::Refuse, "{line:?}: {verdict:?}");
        let whole = evaluate(&Change::from_patch(&patch_of(&[("src/a.py", Some("a = 1\n"), Some(&after))])), &policy());
        assert!(rules_of(&whole).iter().any(|rule| matches!(*rule, "bidi-control" | "binary")), "{line:?}: {whole:?}");
    }
    says(Reason::BidiControl, Ruling::Pass, &[("src/a.py", Some("a = 1\r\n"), Some("a = 1\r\nb = 2\r\n"))]);
}

#[test]
fn v_33_a_word_that_looks_like_another_is_refused_in_every_script() {
    for word in [
        "\u{430}dmin",         // Cyrillic a
        "adm\u{456}n",         // Cyrillic i
        "\u{440}ay_user",      // Cyrillic er
        "is\u{410}dmin",       // a capital
        "p\u{3bf}st",          // Greek omicron
        "\u{39d}ame",          // Greek capital nu
        "\u{13aa}o",           // Cherokee
        "us\u{435}r_name",     // in the middle
        "\u{ff41}dmin",        // full width
        "\u{1d41a}dmin",       // mathematical bold
        "con\u{fb01}g",        // a ligature, which some languages read as two letters
        "\u{2170}d_of",        // a Roman numeral
        "\u{212a}elvin",       // the sign of a unit
        "lo\u{261}in",         // the open g of phonetics
        "\u{2c9f}pen",         // Coptic
        "x = ok; \u{430}dmin", // beside others
    ] {
        says(
            Reason::MixedScript,
            Ruling::Refuse,
            &[("src/a.py", Some("a = 1\n"), Some(&format!("a = 1\n{word} = 2\n")))],
        );
    }
    // Wholly in another script, and to the eye a name that the file has.
    for word in ["\u{441}\u{43e}\u{440}\u{443}", "\u{455}\u{441}\u{43e}\u{440}\u{435}"] {
        let before = "copy = 1\nscope = 2\n";
        says_whole(
            Reason::MixedScript,
            Ruling::Refuse,
            &[("src/a.py", Some(before), Some(&format!("{before}{word} = 3\n")))],
        );
    }
    says_whole(
        Reason::MixedScript,
        Ruling::Refuse,
        &[("src/a.py", Some("is_admin = 1\n"), Some("is_admin = 1\n\u{131}s_admin = 2\n"))],
    );
}

#[test]
fn v_33_languages_symbols_and_words_that_were_there_are_no_disguise() {
    for line in [
        "# \u{41e}\u{448}\u{438}\u{431}\u{43a}\u{430} \u{432} \u{444}\u{443}\u{43d}\u{43a}\u{446}\u{438}\u{438} max",
        "# \u{391}\u{3c5}\u{3c4}\u{3cc} \u{3b5}\u{3af}\u{3bd}\u{3b1} \u{3bb}\u{3ac}\u{3b8}\u{3bf}\u{3c2}",
        "# kullan\u{131}c\u{131} ad\u{131} bo\u{15f} olamaz",
        "# na\u{ef}ve caf\u{e9}, Stra\u{df}e, \u{151}rs\u{e9}g",
        "\u{394}x = \u{3c0} * r # 3 m\u{b2}, n\u{ba} 1",
        "print('\u{2139}\u{fe0f} done')",
        "# \u{65e5}\u{672c}\u{8a9e} text",
    ] {
        says(Reason::MixedScript, Ruling::Pass, &[("src/a.py", Some("a = 1\n"), Some(&format!("a = 1\n{line}\n")))]);
    }
    says(Reason::MixedScript, Ruling::Pass, &[("src/a.py", Some("\u{430}dmin = 1\n"), Some("\u{430}dmin = 1 + 1\n"))]);
}

#[test]
fn v_58_nothing_that_a_person_cannot_read_comes_in() {
    let binary = "diff --git a/src/a.bin b/src/a.bin\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 4\nLc${NkU|;|M00aO5\n\nliteral 0\nHcmV?d00001\n\n";
    let marker =
        "diff --git a/src/a.bin b/src/a.bin\nindex 1..2 100644\nBinary files a/src/a.bin and b/src/a.bin differ\n";
    for diff in [binary, marker] {
        let verdict = judge_diff(diff.as_bytes(), &policy(), Means::default());
        assert!(rules_of(&verdict).contains(&"binary") || rules_of(&verdict) == ["malformed-diff"], "{verdict:?}");
        assert_eq!(verdict.verdict, Ruling::Refuse);
    }
    let encoded = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODkr";
    let wrapped: String = (0..60).map(|_| format!("    \"{encoded}\"\n")).collect();
    let bare: String = (0..60).map(|_| format!("{encoded}\n")).collect();
    let percent = "%41".repeat(1_500);
    let escapes = "\\x41".repeat(1_100);
    for text in [
        format!("blob = \"{}\"\n", encoded.repeat(60)),
        format!("blob = (\n{wrapped})\n"),
        format!("blob = '''\n{bare}'''\n"),
        format!("blob = \"{percent}\"\n"),
        format!("blob = \"{escapes}\"\n"),
        "a\0b\n".to_owned(),
    ] {
        says(Reason::Binary, Ruling::Refuse, &[("src/a.py", Some("a = 1\n"), Some(&format!("a = 1\n{text}")))]);
    }
    for bytes in [&b"\xff\xfea\0b\0"[..], b"caf\xe9\n", b"\x80\x81\n"] {
        let mut patch = Patch::new();
        patch.set(
            "src/a.txt".parse().expect("a legal path"),
            None,
            Some(FileState { mode: FileMode::Plain, content: bytes.to_vec() }),
        );
        assert_eq!(said(&evaluate(&Change::from_patch(&patch), &policy()), Reason::Binary), Ruling::Refuse);
    }
    let prose: String =
        (0..80).map(|n| format!("    this_is_a_call_with_a_long_name_number_{n}(argument_{n}, other_{n})\n")).collect();
    let digests: String = (0..20).map(|n| format!("{}{n:02}\n", "0123456789abcdef".repeat(4))).collect();
    for text in [prose, digests] {
        says(Reason::Binary, Ruling::Pass, &[("src/a.py", Some("a = 1\n"), Some(&format!("a = 1\n{text}")))]);
    }
}

#[test]
fn v_63_an_edit_is_not_hidden_among_line_ends_in_one_file_or_in_many() {
    let plain: String = (0..40).map(|n| format!("line {n}\n")).collect();
    let windows = plain.replace('\n', "\r\n").replace("line 7", "line 7 and evil()");
    says(Reason::LineEndings, Ruling::Refuse, &[("src/a.py", Some(&plain), Some(&windows))]);
    says(Reason::LineEndings, Ruling::Refuse, &[("src/a.py", Some(&windows), Some(&plain))]);
    let doubled = plain.replace('\n', "\r\r\n");
    says(Reason::LineEndings, Ruling::Refuse, &[("src/a.py", Some(&plain), Some(&doubled))]);
    // As few in each file as one file may have, but in many files.
    let (before, after): (String, String) =
        ((0..8).map(|n| format!("l{n}\n")).collect(), (0..8).map(|n| format!("l{n}\r\n")).collect());
    let files = ["src/a", "src/b", "src/c"].map(|path| (path, Some(before.as_str()), Some(after.as_str())));
    says(Reason::LineEndings, Ruling::Refuse, &files);
    says(Reason::LineEndings, Ruling::Pass, &files[..1]);
}

#[test]
fn p_12_files_lines_and_bytes_are_counted_without_belief_in_a_rename() {
    // Eleven files that only move are twenty-two.
    let moves: String = (0..11)
        .map(|n| {
            format!(
                "diff --git a/src/a{n} b/src/b{n}\nsimilarity index 100%\nrename from src/a{n}\nrename to src/b{n}\n"
            )
        })
        .collect();
    let files: Vec<(String, String)> = (0..11).map(|n| (format!("src/a{n}"), "x\n".repeat(60))).collect();
    let base: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let base = tree(&base);
    let mut policy = policy();
    policy.limits.max_files = 21;
    let verdict = judge_diff(moves.as_bytes(), &policy, Means { tree: Some(&base), ..Means::default() });
    assert_eq!(verdict.measured[..2], [(Reason::DiffLines, 1320, 500), (Reason::DiffFiles, 22, 21)]);
    assert!(rules_of(&verdict).starts_with(&["diff-lines", "diff-files"]), "{verdict:?}");
    // Without the base nothing can be counted, and that is said.
    let blind = judge_diff(moves.as_bytes(), &policy, Means::default());
    assert!(blind.not_checked.contains(&Reason::DiffLines) && blind.not_checked.contains(&Reason::PatchBytes));
    assert!(rules_of(&blind).contains(&"diff-files"));
    // A copy is all new, a mode alone is a file, and one long line has its bytes.
    let copy = "diff --git a/src/a0 b/src/c\nsimilarity index 100%\ncopy from src/a0\ncopy to src/c\n";
    let verdict = judge_diff(copy.as_bytes(), &policy, Means { tree: Some(&base), ..Means::default() });
    assert_eq!(verdict.measured[..2], [(Reason::DiffLines, 60, 500), (Reason::DiffFiles, 1, 21)]);
    policy.limits.max_patch_bytes = 1_000;
    for (count, ruling) in [(480, Ruling::Pass), (520, Ruling::Refuse)] {
        let change = Change::from_patch(&patch_of(&[("src/a.txt", None, Some(&"x ".repeat(count)))]));
        assert_eq!(said(&evaluate(&change, &policy), Reason::PatchBytes), ruling, "{count}");
    }
    let edges = |count: usize| (0..count).map(|n| format!("{n}\n")).collect::<String>();
    says(Reason::DiffLines, Ruling::Pass, &[("src/a.txt", None, Some(&edges(500)))]);
    says(Reason::DiffLines, Ruling::Refuse, &[("src/a.txt", None, Some(&edges(501)))]);
}
