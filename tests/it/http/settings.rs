//! How the token and every repository behind a door are set up: what the pages of settings would show.
//!
//! One set-up holds for all repositories of a door. Without a word of a test it is that of a quiet repository that nobody
//! protects and whose settings this token may read.

use serde_json::{Value, json};

use super::exchange::{Answer, Content, Handled};
use super::routes::Place;
use super::shapes::node_id;

/// What is set, and what of it the token is shown.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Said with every answer.
    pub(crate) headers: Vec<(String, String)>,
    /// Requests of an hour, and how many are left.
    pub(crate) rate: (u64, u64),
    /// Members of the repository's own answer.
    pub(crate) repository: Value,
    /// What the App was granted.
    pub(crate) granted: Value,
    /// Whether Actions are enabled.
    pub(crate) actions: bool,
    /// What workflows may by default: write, and open pull requests.
    pub(crate) workflows: (bool, bool),
    /// Classic protection of every branch.
    pub(crate) protection: Option<Value>,
    /// Rules for branches that are not ours.
    pub(crate) rules: Vec<Value>,
    /// Rules for branches of ours.
    pub(crate) own_rules: Vec<Value>,
    /// The reviewers of the environment `homeostat`, where there is one.
    pub(crate) environment: Option<usize>,
    /// Whether what takes `administration` is shown.
    pub(crate) administers: bool,
    /// Whether what takes any permission is shown.
    pub(crate) reads: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            rate: (5_000, 5_000),
            repository: json!({}),
            granted: json!({"contents": "write", "metadata": "read"}),
            actions: true,
            workflows: (false, true),
            protection: None,
            rules: Vec::new(),
            own_rules: Vec::new(),
            environment: None,
            administers: true,
            reads: true,
        }
    }
}

/// A rule as `/rules/branches` lists it.
pub(crate) fn rule(kind: &str, parameters: Value) -> Value {
    let mut rule =
        json!({"type": kind, "ruleset_source_type": "Repository", "ruleset_source": "owner/app", "ruleset_id": 42});
    if !parameters.is_null() {
        rule["parameters"] = parameters;
    }
    rule
}

fn denied() -> Answer {
    Answer::error(403, "Resource not accessible by integration")
}

impl Place<'_> {
    fn setup(&self) -> Setup {
        self.hub.setup.lock().expect("no test panics here").clone()
    }

    /// The repository, with what is set of it.
    pub(super) fn repository(&self) -> Answer {
        let mut all = self.hub.site.repository(&self.slug, &self.record);
        let set = self.setup().repository;
        if let (Some(all), Value::Object(set)) = (all.as_object_mut(), set) {
            all.extend(set);
        }
        Answer::json(200, all)
    }

    /// Whether what takes a permission is shown; the rest of a door never asks.
    pub(super) fn reads(&self) -> Result<(), Answer> {
        if self.setup().reads { Ok(()) } else { Err(denied()) }
    }

    fn administers(&self) -> Result<Setup, Answer> {
        let setup = self.setup();
        if setup.administers && setup.reads { Ok(setup) } else { Err(denied()) }
    }

    pub(super) fn actions_permissions(&self) -> Handled {
        Ok(Answer::json(200, json!({"enabled": self.administers()?.actions, "sha_pinning_required": false})))
    }

    pub(super) fn workflow_permissions(&self) -> Handled {
        let (write, may_open) = self.administers()?.workflows;
        let word = if write { "write" } else { "read" };
        Ok(Answer::json(
            200,
            json!({"default_workflow_permissions": word, "can_approve_pull_request_reviews": may_open}),
        ))
    }

    pub(super) async fn branch(&self, name: &str) -> Handled {
        self.reads()?;
        let Answer { body: Content::Json(commit), .. } = self.commit(name).await? else {
            return Err(Answer::not_found());
        };
        let (root, page) = (self.hub.site.repo(&self.slug), self.hub.site.page(&self.slug));
        let setup = self.setup();
        Ok(Answer::json(
            200,
            json!({
                "name": name, "commit": commit, "protected": setup.protection.is_some(),
                "_links": {"html": format!("{page}/tree/{name}"), "self": format!("{root}/branches/{name}")},
                "protection": {"enabled": setup.protection.is_some()},
                "protection_url": format!("{root}/branches/{name}/protection"),
            }),
        ))
    }

    pub(super) fn protection(&self) -> Handled {
        let setup = self.administers()?;
        setup.protection.map(|all| Answer::json(200, all)).ok_or_else(|| Answer::error(404, "Branch not protected"))
    }

    pub(super) fn rules(&self, branch: &str) -> Handled {
        self.reads()?;
        let setup = self.setup();
        Ok(self.listed(if branch.starts_with("homeostat/") { setup.own_rules } else { setup.rules }))
    }

    pub(super) fn environment(&self, name: &str) -> Handled {
        self.reads()?;
        let reviewers = self.setup().environment.ok_or_else(Answer::not_found)?;
        let root = self.hub.site.repo(&self.slug);
        let reviewer = |place: usize| {
            let who = homeostat::forge::rules::actor(&format!("reviewer-{place}"));
            json!({"type": "User", "reviewer": self.hub.site.user(&who)})
        };
        let asked: Vec<Value> = (0..reviewers).map(reviewer).collect();
        let rule = json!({
            "id": 1, "node_id": node_id("GA", 1), "type": "required_reviewers", "prevent_self_review": false,
            "reviewers": asked,
        });
        Ok(Answer::json(
            200,
            json!({
                "id": 7, "node_id": node_id("EN", 7), "name": name, "url": format!("{root}/environments/{name}"),
                "html_url": format!("{}/deployments/activity_log?environments_filter={name}", self.hub.site.page(&self.slug)),
                "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
                "protection_rules": if reviewers == 0 { json!([]) } else { json!([rule]) },
            }),
        ))
    }
}
