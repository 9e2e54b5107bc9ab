//! A first look at many repositories: one GraphQL question for about fifty, REST where GraphQL is absent. Layer 3.
//!
//! Data and errors in one answer are one answer for each repository. Refuses to be a base for anything that is created.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::GithubForge;
use super::classify::Operation;
use super::graphql::GraphAnswer;
use super::link::escape;
use super::shapes::{self, At};
use crate::forge::{Checks, Conclusion, ForgeError, ForgeResult, Glance, GlanceQuery, Repository};
use crate::model::{ObjectId, Timestamp};

/// Repositories of one question.
const AT_ONCE: usize = 50;
/// Repositories of one question after a larger one was too much.
const FEWER: usize = 10;
/// Questions that may fail before the rest is not asked.
const FAILURES: usize = 3;

impl GithubForge {
    pub(super) async fn look(&self, queries: &[GlanceQuery]) -> ForgeResult<Vec<ForgeResult<Glance>>> {
        let mut answers: BTreeMap<usize, ForgeResult<Glance>> = BTreeMap::new();
        // An App's token sees one owner's repositories.
        let mut by_owner: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, query) in queries.iter().enumerate() {
            let owner = match self.client.credentials().fixed() {
                Some(_) => String::new(),
                None => query.slug.owner().to_ascii_lowercase(),
            };
            by_owner.entry(owner).or_default().push(place);
        }
        let mut waiting: VecDeque<(String, Vec<usize>)> = by_owner
            .into_iter()
            .flat_map(|(owner, places)| {
                places.chunks(AT_ONCE).map(|some| (owner.clone(), some.to_vec())).collect::<Vec<_>>()
            })
            .collect();
        let mut failures = 0;
        while let Some((owner, places)) = waiting.pop_front() {
            let asked: Vec<&GlanceQuery> = places.iter().map(|place| &queries[*place]).collect();
            let (query, variables) = question(&asked);
            let what = format!("looking at {} repositories", asked.len());
            match self.client.graphql(&owner, Operation::Read, &query, &variables, &what).await {
                Ok(mut answer) => {
                    for (number, place) in places.iter().enumerate() {
                        answers.insert(*place, read_one(&mut answer, number, &queries[*place]));
                    }
                }
                // It may have been too much for one question: once more, in smaller ones.
                Err(ForgeError::Transient(_)) if places.len() > FEWER && failures < FAILURES => {
                    failures += 1;
                    waiting.extend(places.chunks(FEWER).map(|some| (owner.clone(), some.to_vec())));
                }
                // Absent, or refused to this token.
                Err(ForgeError::NotFound(_) | ForgeError::Invalid(_) | ForgeError::Denied(_)) => {
                    for place in places {
                        answers.insert(place, self.look_by_rest(&queries[place]).await);
                    }
                }
                Err(error @ ForgeError::RateLimited { .. }) => return Err(error),
                Err(error) => {
                    failures += 1;
                    let rest = if failures >= FAILURES { std::mem::take(&mut waiting) } else { VecDeque::new() };
                    for place in places.into_iter().chain(rest.into_iter().flat_map(|(_, places)| places)) {
                        answers.insert(place, Err(error.clone()));
                    }
                }
            }
        }
        Ok(answers.into_values().collect())
    }

    async fn look_by_rest(&self, query: &GlanceQuery) -> ForgeResult<Glance> {
        let slug = &query.slug;
        let repository = self.read_repository(slug).await?;
        let branch = query.branch.clone().unwrap_or_else(|| repository.default_branch.clone());
        let head = self.read_branch(slug, &branch).await?;
        let (mut reports, mut newest_report) = (0, None);
        for label in &query.labels {
            let path = format!("/issues?state=open&labels={}&per_page=100", escape(label));
            let issues: Vec<shapes::IssueShape> = self.all(slug, &path, |page| page).await?;
            for issue in issues.into_iter().map(shapes::IssueShape::issue).filter(|issue| !issue.is_pull_request) {
                reports += 1;
                newest_report = newest_report.max(Some(issue.updated_at));
            }
        }
        let checks = match &head {
            Some(head) => self.checks_by_rest(query, head).await?,
            None => Checks::None,
        };
        Ok(Glance { repository, head, reports, newest_report, checks })
    }

    async fn checks_by_rest(&self, query: &GlanceQuery, head: &ObjectId) -> ForgeResult<Checks> {
        let status: shapes::StatusShape = self.one(&query.slug, &format!("/commits/{head}/status")).await?;
        let path = format!("/commits/{head}/check-runs?filter=latest&per_page=100");
        let runs: Vec<shapes::CheckRunShape> =
            self.all(&query.slug, &path, |page: shapes::CheckRunsShape| page.check_runs).await?;
        let said = (status.total_count > 0).then_some(status.state.as_str());
        Ok(together(said, runs.iter().map(|run| run.conclusion)))
    }
}

/// Puts the state of the statuses and the conclusions of the check runs together.
fn together(status: Option<&str>, runs: impl Iterator<Item = Option<Conclusion>>) -> Checks {
    let mut checks = match status {
        None => Checks::None,
        Some("success") => Checks::Passing,
        Some("pending") => Checks::Pending,
        Some(_) => Checks::Failing,
    };
    for conclusion in runs {
        let one = match conclusion {
            None => Checks::Pending,
            Some(Conclusion::Success | Conclusion::Skipped | Conclusion::Neutral) => Checks::Passing,
            Some(_) => Checks::Failing,
        };
        checks = match (checks, one) {
            (Checks::Failing, _) | (_, Checks::Failing) => Checks::Failing,
            (Checks::Pending, _) | (_, Checks::Pending) => Checks::Pending,
            _ => Checks::Passing,
        };
    }
    checks
}

/// Writes one question about all of them, each under an alias; every name is a variable.
fn question(queries: &[&GlanceQuery]) -> (String, Value) {
    let (mut parameters, mut fields, mut variables) = (Vec::new(), String::new(), Map::new());
    let mut variable = |name: String, kind: &str, value: Value| {
        parameters.push(format!("${name}:{kind}"));
        variables.insert(name, value);
    };
    for (n, query) in queries.iter().enumerate() {
        variable(format!("o{n}"), "String!", json!(query.slug.owner()));
        variable(format!("n{n}"), "String!", json!(query.slug.name()));
        let mut inside = "databaseId nameWithOwner url isPrivate defaultBranchRef{name ...head}".to_owned();
        if let Some(branch) = &query.branch {
            variable(format!("b{n}"), "String!", json!(branch.as_ref_name()));
            inside.push_str(&format!(" asked:ref(qualifiedName:$b{n}){{name ...head}}"));
        }
        for (l, label) in query.labels.iter().enumerate() {
            variable(format!("l{n}_{l}"), "[String!]", json!([label]));
            inside.push_str(&format!(
                " i{l}:issues(states:OPEN,labels:$l{n}_{l},first:1,orderBy:{{field:UPDATED_AT,direction:DESC}})\
                 {{totalCount nodes{{updatedAt}}}}"
            ));
        }
        fields.push_str(&format!(" r{n}:repository(owner:$o{n},name:$n{n}){{{inside}}}"));
    }
    let query = format!(
        "query({}){{{fields}}} fragment head on Ref{{target{{oid ...on Commit{{statusCheckRollup{{state}}}}}}}}",
        parameters.join(",")
    );
    (query, Value::Object(variables))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    database_id: u64,
    name_with_owner: String,
    url: String,
    is_private: bool,
    default_branch_ref: Option<Branch>,
    asked: Option<Branch>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    name: String,
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    oid: ObjectId,
    status_check_rollup: Option<Rollup>,
}

#[derive(Debug, Deserialize)]
struct Rollup {
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    total_count: u64,
    nodes: Vec<Option<Updated>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    updated_at: At,
}

/// Reads the answer for one repository.
fn read_one(answer: &mut GraphAnswer, number: usize, query: &GlanceQuery) -> ForgeResult<Glance> {
    let alias = format!("r{number}");
    let what = format!("looking at {}", query.slug);
    // An error anywhere below an alias leaves something out of it.
    if let Some(error) = answer.errors.iter().find(|error| error.alias() == Some(alias.as_str())) {
        return Err(error.to_error(&what, Operation::Read));
    }
    let data = answer.data.get_mut(&alias).map(Value::take).unwrap_or_default();
    if data.is_null() {
        return Err(ForgeError::NotFound(what));
    }
    let odd = |why: &str| ForgeError::Transient(format!("{what}: {why}"));
    let seen: Seen = serde_json::from_value(data).map_err(|_| odd("the answer has another shape"))?;
    let Some(default) = &seen.default_branch_ref else {
        return Err(ForgeError::NotFound(format!("{what}: it has no commit yet")));
    };
    let repository = Repository {
        id: seen.database_id,
        slug: shapes::slug(&seen.name_with_owner)?,
        default_branch: shapes::branch(&default.name)?,
        private: seen.is_private,
        url: seen.url.clone(),
    };
    let target = match &query.branch {
        Some(_) => seen.asked.as_ref().and_then(|branch| branch.target.as_ref()),
        None => default.target.as_ref(),
    };
    let checks = match target.and_then(|target| target.status_check_rollup.as_ref()).map(|all| all.state.as_str()) {
        None => Checks::None,
        Some("SUCCESS") => Checks::Passing,
        Some("PENDING" | "EXPECTED") => Checks::Pending,
        Some(_) => Checks::Failing,
    };
    let (mut reports, mut newest_report): (u64, Option<Timestamp>) = (0, None);
    for place in 0..query.labels.len() {
        let counted = seen.rest.get(&format!("i{place}")).cloned().unwrap_or_default();
        let counted: Counted = serde_json::from_value(counted).map_err(|_| odd("the answer leaves out its issues"))?;
        reports += counted.total_count;
        let updated = counted.nodes.into_iter().flatten().map(|node| node.updated_at.0).max();
        newest_report = newest_report.max(updated);
    }
    Ok(Glance { repository, head: target.map(|target| target.oid.clone()), reports, newest_report, checks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(slug: &str, branch: Option<&str>, labels: &[&str]) -> GlanceQuery {
        GlanceQuery {
            slug: slug.parse().expect("a slug"),
            branch: branch.map(|name| name.parse().expect("a branch")),
            labels: labels.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn every_name_travels_as_a_variable() {
        let hostile = query("o/a", Some("main"), &["robot\"]){evil", "b"]);
        let (text, variables) = question(&[&hostile, &query("o/b", None, &[])]);
        assert!(!text.contains("evil") && !text.contains("o/a") && !text.contains("main"), "{text}");
        assert_eq!(variables["l0_0"], json!(["robot\"]){evil"]));
        assert_eq!(variables["b0"], "refs/heads/main");
        assert_eq!(variables["n1"], "b");
        assert_eq!(text.matches('{').count(), text.matches('}').count(), "{text}");
    }

    fn repository(name: &str) -> Value {
        let commit = |n: &str| json!({ "oid": n.repeat(40), "statusCheckRollup": { "state": "FAILURE" } });
        json!({
            "databaseId": 7, "nameWithOwner": name, "url": "https://x", "isPrivate": true,
            "defaultBranchRef": { "name": "main", "target": commit("1") },
            "asked": { "name": "dev", "target": { "oid": "2".repeat(40), "statusCheckRollup": null } },
            "i0": { "totalCount": 2, "nodes": [{ "updatedAt": "2026-11-23T12:00:00Z" }] },
            "i1": { "totalCount": 1, "nodes": [{ "updatedAt": "2026-11-24T12:00:00Z" }] },
        })
    }

    #[test]
    fn data_and_errors_together_are_one_answer_for_each_repository() {
        let mut answer: GraphAnswer = serde_json::from_value(json!({
            "data": { "r0": repository("o/a"), "r1": null, "r2": repository("o/c"), "r3": null },
            "errors": [
                { "type": "NOT_FOUND", "path": ["r1"], "message": "Could not resolve to a Repository" },
                { "type": "FORBIDDEN", "path": ["r2", "i0"], "message": "Resource not accessible" },
            ],
        }))
        .expect("an answer");
        let default = read_one(&mut answer, 0, &query("o/a", None, &["x", "y"])).expect("a glance");
        assert_eq!((default.reports, default.checks), (3, Checks::Failing));
        assert_eq!(default.newest_report, "2026-11-24T12:00:00Z".parse().ok());
        assert!(default.repository.private);
        assert!(matches!(read_one(&mut answer, 1, &query("o/b", None, &[])), Err(ForgeError::NotFound(_))));
        assert!(matches!(read_one(&mut answer, 2, &query("o/c", None, &["x"])), Err(ForgeError::Denied(_))));
        assert!(matches!(read_one(&mut answer, 3, &query("o/d", None, &[])), Err(ForgeError::NotFound(_))));
    }

    #[test]
    fn a_branch_that_was_asked_for_is_looked_at_instead_of_the_default() {
        let mut answer = GraphAnswer { data: json!({ "r0": repository("o/a") }), errors: Vec::new() };
        let glance = read_one(&mut answer, 0, &query("o/a", Some("dev"), &[])).expect("a glance");
        assert_eq!(glance.head.map(|head| head.to_string()), Some("2".repeat(40)));
        assert_eq!((glance.checks, glance.reports), (Checks::None, 0));
    }

    #[test]
    fn checks_and_statuses_count_together() {
        use Conclusion::{Failure, Neutral, Success};
        let judge = |status, runs: &[Option<Conclusion>]| together(status, runs.iter().copied());
        assert_eq!(judge(None, &[]), Checks::None);
        assert_eq!(judge(None, &[Some(Success), Some(Neutral)]), Checks::Passing);
        assert_eq!(judge(Some("success"), &[None]), Checks::Pending);
        assert_eq!(judge(Some("pending"), &[Some(Failure)]), Checks::Failing);
        assert_eq!(judge(Some("error"), &[Some(Success)]), Checks::Failing);
    }
}
