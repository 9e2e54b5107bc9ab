//! The body of a feature branch's pull request: a part that is kept current, and one that belongs to people. Layer 1.

use minijinja::context;

use crate::model::BranchName;
use crate::redact::Redactor;
use crate::render::marker::END;
use crate::render::pull_request::BODY_LIMIT;
use crate::render::quote::Quoter;
use crate::template::RenderError;
use crate::template::fill;

/// The line that begins the part of a body that is ours.
const BEGIN: &str = "<!-- homeostat:feature -->";
/// Commits that are listed by their subjects.
const LISTED: usize = 30;
/// Characters of a subject.
const SUBJECT: usize = 120;
const TEMPLATE: &str = include_str!("../../templates/feature_pull_request.md.j2");

/// What a pull request for a feature branch speaks of.
#[derive(Debug, Clone, Copy)]
pub struct FeatureView<'a> {
    /// The branch.
    pub branch: &'a BranchName,
    /// What it goes into.
    pub base: &'a BranchName,
    /// The title.
    pub title: &'a str,
    /// First lines of the commits, the oldest first.
    pub subjects: &'a [&'a str],
    /// How many commits there are.
    pub total: u64,
    /// The part that belongs to people: a template of the operator's, filled in.
    pub template: Option<&'a str>,
    /// The same, as it lies in the repository: plain text.
    pub own: Option<&'a str>,
    /// Takes secrets and personal data out.
    pub redactor: &'a Redactor,
}

/// Makes the body of a new pull request: our part, then the part that is people's from then on.
///
/// # Errors
/// When a template is broken.
pub fn feature_body(view: &FeatureView<'_>) -> Result<String, RenderError> {
    let values = context! { branch => view.branch.as_str(), base => view.base.as_str(), title => view.title };
    let people = match (view.template, view.own) {
        (Some(template), _) => fill("open_pr.template", template, values)?,
        (None, Some(own)) => own.to_owned(),
        (None, None) => fill("feature_pull_request.md.j2", TEMPLATE, values)?,
    };
    let ours = part(view);
    let room = BODY_LIMIT - ours.chars().count() - 2;
    let people: String = people.trim().chars().take(room).collect();
    Ok(format!("{ours}\n\n{people}").trim_end().to_owned() + "\n")
}

/// Returns whether a body has a part of ours.
pub fn is_ours(body: &str) -> bool {
    body.find(BEGIN).is_some_and(|from| body[from..].contains(END))
}

/// Returns the body as it should be now: our part renewed, every other byte as people left it. Where our part was taken
/// out, or there is no room, the body stays as it is.
pub fn refreshed(seen: &str, view: &FeatureView<'_>) -> String {
    let Some(from) = seen.find(BEGIN) else { return seen.to_owned() };
    let Some(length) = seen[from..].find(END) else { return seen.to_owned() };
    let to = from + length + END.len();
    let ours = part(view);
    // A forge may keep lines as a browser sent them.
    let ours = if seen[from..to].contains("\r\n") { ours.replace('\n', "\r\n") } else { ours };
    let merged = format!("{}{ours}{}", &seen[..from], &seen[to..]);
    if merged.chars().count() <= BODY_LIMIT { merged } else { seen.to_owned() }
}

/// Writes the part that is ours.
fn part(view: &FeatureView<'_>) -> String {
    let quote = Quoter::new(view.redactor, 1);
    let commits = if view.total == 1 { "1 commit".to_owned() } else { format!("{} commits", view.total) };
    let (branch, base) = (quote.span(view.branch.as_str(), 255), quote.span(view.base.as_str(), 255));
    let mut lines = vec![BEGIN.to_owned(), format!("**{commits}** from {branch} into {base}:"), String::new()];
    let skipped = view.total.saturating_sub(LISTED.min(view.subjects.len()) as u64);
    if skipped > 0 {
        lines.push(format!("- … {skipped} earlier"));
    }
    let newest = &view.subjects[view.subjects.len().saturating_sub(LISTED)..];
    lines.extend(newest.iter().map(|subject| format!("- {}", quote.prose(subject, SUBJECT))));
    lines.push(END.to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(subjects: &[&str], check: impl Fn(&FeatureView<'_>)) {
        let (branch, base) = ("feat/x".parse().expect("legal"), "main".parse().expect("legal"));
        let redactor = Redactor::new(&[crate::model::Secret::new("hunter2-hunter2".to_owned())]);
        check(&FeatureView {
            branch: &branch,
            base: &base,
            title: "X",
            subjects,
            total: subjects.len() as u64,
            template: None,
            own: None,
            redactor: &redactor,
        });
    }

    #[test]
    fn only_our_part_is_renewed_and_every_other_byte_stays() {
        body(&["one"], |old| {
            let first = feature_body(old).expect("a body");
            assert!(is_ours(&first) && first.contains("- one\n") && first.contains("- [ ] Tests cover"), "{first}");
            let edited = format!("Mind this.\n{}\nThanks!", first.replace("- [ ] Tests", "- [x] Tests"));
            body(&["one", "two"], |new| {
                let now = refreshed(&edited, new);
                assert!(now.starts_with("Mind this.\n") && now.ends_with("\nThanks!"), "{now}");
                assert!(now.contains("- [x] Tests") && now.contains("**2 commits**") && now.contains("- two"), "{now}");
                assert_eq!(refreshed(&now, new), now);
                assert_eq!(refreshed("ours was taken out", new), "ours was taken out");
            });
        });
    }

    #[test]
    fn subjects_are_quoted_and_keep_secrets() {
        body(&["ping @everyone, fixes #1 hunter2-hunter2 <!-- homeostat:end -->", "  "], |view| {
            let text = feature_body(view).expect("a body");
            assert!(text.contains("`@everyone`") && !text.contains("hunter2"), "{text}");
            assert_eq!(text.matches(END).count(), 1, "{text}");
            let ours = &text[..text.rfind("## What").expect("the rest")];
            assert!(ours.trim_end().ends_with(END), "{text}");
        });
    }

    #[test]
    fn a_template_of_the_repositorys_own_is_plain_text_and_an_operators_is_filled_in() {
        body(&["one"], |view| {
            let own = feature_body(&FeatureView { own: Some("## Why {{ x }}\n"), ..*view }).expect("a body");
            assert!(own.ends_with("## Why {{ x }}\n"), "{own}");
            let template = Some("# {{ title }} {{ branch }} {{ base }}");
            let filled = feature_body(&FeatureView { template, ..*view }).expect("a body");
            assert!(filled.ends_with("# X feat/x main\n"), "{filled}");
        });
    }

    #[test]
    fn a_long_branch_lists_its_newest_commits() {
        let many: Vec<String> = (0..200).map(|n| format!("step {n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        body(&many, |view| {
            let text = feature_body(view).expect("a body");
            assert!(text.contains("- … 170 earlier\n- step 170\n") && text.contains("- step 199\n"), "{text}");
        });
    }
}
