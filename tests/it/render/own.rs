//! Titles and bodies from an operator's own templates: what they may say, and what stays ours around them.

use homeostat::config::BODY_VARIABLES;
use homeostat::model::{EvidenceKind, ReportId, Secret};
use homeostat::redact::Redactor;
use homeostat::render::{PullText, PullView, marker, pull_request};

use crate::sample;

fn text_of(
    title: Option<&str>,
    template: Option<&str>,
    change: impl FnOnce(&mut homeostat::model::Candidate),
) -> PullText {
    let mut candidate = sample::candidate();
    change(&mut candidate);
    let mut policy = sample::policy();
    policy.pull_request.title = title.map(str::to_owned);
    policy.pull_request.template_text = template.map(str::to_owned);
    let redactor = Redactor::new(&[Secret::new("hunter2-hunter2".to_owned())]);
    let view = PullView {
        candidate: &candidate,
        verdict: &sample::passed(),
        policy: &policy,
        closes: Some(7),
        draft_reasons: &[],
        runs_wait: false,
        redactor: &redactor,
    };
    pull_request(&view).expect("the built-in template is whole")
}

#[test]
fn a_title_is_one_line_of_at_most_120_characters_whatever_its_template_makes_of_it() {
    let text = text_of(Some("[bot] {{ error_type }} in {{ file }}, #{{ number }}, {{ fingerprint }}"), None, |_| {});
    assert!(text.title.starts_with("[bot] ") && text.title.contains(", #"), "{}", text.title);
    let long = text_of(Some("{% for i in range(90) %}ab\n{% endfor %}"), None, |_| {});
    assert!(long.title.chars().count() <= 120 && !long.title.contains('\n'), "{}", long.title);
    let secret = text_of(Some("hunter2-hunter2 {{ file }}"), None, |_| {});
    assert!(!secret.title.contains("hunter2"), "{}", secret.title);
    let of_run = |candidate: &mut homeostat::model::Candidate| {
        candidate.report = ReportId::Run { workflow: "ci.yml".to_owned(), job: "test".to_owned() };
    };
    assert_eq!(text_of(Some("a{{ number }}b"), None, of_run).title, "ab");
}

#[test]
fn a_title_that_cannot_be_filled_in_gives_way_to_the_built_in_one_and_says_so() {
    let built_in = text_of(None, None, |_| {});
    let broken = text_of(Some("{{ file + 1 }}"), None, |_| {});
    assert_eq!(broken.title, built_in.title);
    assert_eq!((built_in.warnings.len(), broken.warnings.len()), (0, 1), "{:?}", broken.warnings);
    let endless =
        text_of(Some("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"), None, |_| {});
    assert_eq!((endless.title, endless.warnings.len()), (built_in.title, 1));
}

#[test]
fn a_body_of_ones_own_stands_between_our_markers_and_every_variable_can_be_named() {
    let all: String = BODY_VARIABLES.iter().map(|name| format!("{name}: {{{{ {name} }}}}\n")).collect();
    let text = text_of(None, Some(&all), |_| {});
    assert_eq!(text.warnings, Vec::<String>::new());
    assert_eq!(marker::read(&text.body), Some(sample::candidate().state_after));
    assert!(text.body.trim_end().ends_with(marker::END), "{}", text.body);
    let seen = format!("Mind this.\n{}Good.\n", text.body);
    let merged = marker::merge(&seen, &text_of(None, Some("new"), |_| {}).body);
    assert!(
        merged.starts_with("Mind this.\n") && merged.ends_with("Good.\n") && merged.contains("\nnew\n"),
        "{merged}"
    );
}

#[test]
fn weak_evidence_is_said_first_in_a_body_of_ones_own_too() {
    let weak = text_of(None, Some("Hello."), |candidate| candidate.evidence.kind = EvidenceKind::GreenOnly);
    let built_in = text_of(None, None, |candidate| candidate.evidence.kind = EvidenceKind::GreenOnly);
    let first = |body: &str| body.lines().skip(1).find(|line| !line.is_empty()).map(str::to_owned);
    let said = |body: &str| body.lines().find(|line| line.contains("No test showed")).map(str::to_owned);
    assert_eq!(first(&weak.body).as_deref(), Some("> [!WARNING]"));
    assert!(said(&weak.body).is_some() && said(&weak.body) == said(&built_in.body));
    assert!(said(&text_of(None, Some("Hello."), |_| {}).body).is_none());
}

#[test]
fn p_20_a_body_too_long_for_a_forge_or_that_cannot_be_made_gives_way_to_ours_and_says_so() {
    let ours = text_of(None, None, |_| {});
    for template in [
        "x".repeat(65_000),
        "{{ message + 1 }}".to_owned(),
        "{% for i in range(99999) %}{{ message }}{% endfor %}".to_owned(),
    ] {
        let text = text_of(None, Some(&template), |_| {});
        assert_eq!((&text.body, text.warnings.len()), (&ours.body, 1), "{:?}", text.warnings);
    }
}

#[test]
fn v_86_a_network_that_was_open_to_tests_is_said_in_the_body() {
    let open = text_of(None, None, |candidate| {
        candidate.evidence.sandbox.network = homeostat::model::NetworkAccess::All;
        candidate.evidence.sandbox.weaknesses = vec!["The network is not shut on this machine.".to_owned()];
    });
    assert!(open.body.contains("network `all`. The network is not shut on this machine."), "{}", open.body);
    let shut = text_of(None, None, |candidate| {
        candidate.evidence.sandbox.network = homeostat::model::NetworkAccess::None;
        candidate.evidence.sandbox.weaknesses.clear();
    });
    assert!(shut.body.contains("network `none`\n"), "{}", shut.body);
}
