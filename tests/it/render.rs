//! The texts that people read: what they look like, and that nothing untrusted comes alive in them.

mod hostile;
mod looks;
mod own;

use homeostat::model::{Candidate, Verdict};
use homeostat::redact::Redactor;
use homeostat::render::{PullText, PullView, pull_request};

use crate::sample;

pub(crate) use looks::fleet as fleet_report;

/// Makes a pull request's text as publishing would.
fn text_of(candidate: &Candidate, verdict: &Verdict, draft_reasons: &[&'static str]) -> PullText {
    let view = PullView {
        candidate,
        verdict,
        policy: &sample::policy(),
        closes: Some(7),
        draft_reasons,
        runs_wait: false,
        redactor: &Redactor::new(&[]),
    };
    pull_request(&view).expect("the template is whole")
}
