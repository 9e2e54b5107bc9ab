//! GraphQL: the queries that Homeostat asks, answered from the rules; a field that nobody wrote down is a 501.

use std::future::Future;
use std::pin::Pin;

use homeostat::forge::rules::{RepositoryRecord, Storage, ThreadWorld, actor, repository_id};
use homeostat::forge::{Checks, Forge, ForgeError, GlanceQuery};
use homeostat::model::{Actor, ActorKind, ObjectId, RepoSlug};
use serde_json::{Map, Value, json};

use super::document::{Document, Selected};
use super::door::Token;
use super::exchange::{Answer, Handled, Request, rfc3339};
use super::routes::Hub;
use super::shapes::node_id;
use super::threads::last_edit;

/// The id that stands for no object.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// A value whose fields can be asked for.
#[derive(Debug, Clone)]
enum Node {
    Query,
    Mutation,
    Repository(RepoSlug, RepositoryRecord),
    Ref(RepoSlug, String, ObjectId),
    Commit(RepoSlug, String, ObjectId),
    /// Fields that are all known already.
    Plain(&'static str, Value),
}

/// What a field is.
enum Got {
    Value(Value),
    Node(Node),
    Nodes(Vec<Node>),
}

/// One error of an answer that is otherwise good.
struct Failed {
    kind: &'static str,
    message: String,
}

type Field = Result<Got, Failed>;

struct Run<'a> {
    hub: &'a Hub,
    token: &'a Token,
    document: &'a Document,
    variables: Map<String, Value>,
    errors: Vec<Value>,
    /// Fields that this forge does not have.
    unknown: Vec<String>,
}

fn failed(kind: &'static str, message: impl Into<String>) -> Failed {
    Failed { kind, message: message.into() }
}

fn person(who: &Actor) -> Node {
    let kind = if who.kind == ActorKind::Bot { "Bot" } else { "User" };
    Node::Plain(kind, json!({"__typename": kind, "login": who.login, "databaseId": who.id, "id": node_id("U", who.id)}))
}

impl Hub {
    pub(super) async fn graphql(&self, request: &Request, token: &Token) -> Handled {
        let wrong = |why: String| Answer::error(501, &why);
        let text = request.text("query").ok_or_else(|| wrong("there is no query".to_owned()))?;
        let variables = request.body.as_ref().and_then(|body| body.get("variables")).and_then(Value::as_object);
        let variables = variables.cloned().unwrap_or_default();
        let document = Document::read(text).map_err(|why| wrong(format!("{why} in {text}")))?;
        let problems = document.judge(&variables);
        if !problems.is_empty() {
            return Err(wrong(format!("{problems:?} in {text}")));
        }
        let mut run = Run { hub: self, token, document: &document, variables, errors: Vec::new(), unknown: Vec::new() };
        let root = if document.mutation { Node::Mutation } else { Node::Query };
        let data = run.select(root, &document.selection, Vec::new()).await;
        if !run.unknown.is_empty() {
            return Err(wrong(format!("fields that the test forge does not have: {:?}", run.unknown)));
        }
        let mut body = json!({"data": data});
        if !run.errors.is_empty() {
            body["errors"] = Value::Array(run.errors);
        }
        Ok(Answer::json(200, body))
    }
}

impl Node {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Repository(..) => "Repository",
            Self::Ref(..) => "Ref",
            Self::Commit(..) => "Commit",
            Self::Plain(name, _) => name,
        }
    }
}

impl Run<'_> {
    fn select<'a>(
        &'a mut self,
        node: Node,
        selection: &'a [Selected],
        path: Vec<Value>,
    ) -> Pin<Box<dyn Future<Output = Value> + Send + 'a>> {
        Box::pin(async move {
            let mut out = Map::new();
            for one in self.document.fields(node.type_name(), selection) {
                let Selected::Field { alias, name, arguments, below } = one else { continue };
                let mut path = path.clone();
                path.push(json!(alias));
                if name == "__typename" {
                    out.insert(alias.clone(), json!(node.type_name()));
                    continue;
                }
                let given = arguments.iter().map(|(name, one)| (name.clone(), one.value(&self.variables))).collect();
                let value = match self.field(&node, name, &given).await {
                    Ok(Got::Value(value)) => value,
                    Ok(Got::Node(below_node)) => self.select(below_node, below, path).await,
                    Ok(Got::Nodes(nodes)) => {
                        let mut all = Vec::new();
                        for (place, one) in nodes.into_iter().enumerate() {
                            let mut path = path.clone();
                            path.push(json!(place));
                            all.push(self.select(one, below, path).await);
                        }
                        Value::Array(all)
                    }
                    Err(failed) => {
                        self.errors.push(json!({
                            "type": failed.kind, "path": path, "locations": [{"line": 1, "column": 1}],
                            "message": failed.message,
                        }));
                        Value::Null
                    }
                };
                out.insert(alias.clone(), value);
            }
            Value::Object(out)
        })
    }

    async fn field(&mut self, node: &Node, name: &str, given: &Map<String, Value>) -> Field {
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        match (node, name) {
            (Node::Query, "repository") => {
                let missing = || {
                    let slug = format!("{}/{}", text("owner"), text("name"));
                    failed("NOT_FOUND", format!("Could not resolve to a Repository with the name '{slug}'."))
                };
                let slug: RepoSlug = format!("{}/{}", text("owner"), text("name")).parse().map_err(|_| missing())?;
                let record = self.hub.forge.storage().repository(&slug).await.map_err(|_| missing())?;
                self.hub.known.lock().expect("no test panics here").insert(record.id, slug.clone());
                Ok(Got::Node(Node::Repository(slug, record)))
            }
            (Node::Query, "viewer") => {
                let (Token::Personal(login) | Token::Installation(login) | Token::App(login)) = self.token;
                // A viewer is a user by its type, whatever it is.
                let who = actor(login);
                let shown = json!({"login": login, "databaseId": who.id, "id": node_id("U", who.id)});
                Ok(Got::Node(Node::Plain("User", shown)))
            }
            (Node::Query, "rateLimit") => {
                let reset = self.hub.forge.now().await.map(rfc3339).unwrap_or_default();
                let shown =
                    json!({"cost": 1, "limit": 5_000, "remaining": 4_999, "used": 1, "nodeCount": 1, "resetAt": reset});
                Ok(Got::Node(Node::Plain("RateLimit", shown)))
            }
            (Node::Mutation, "updateRefs") => self.update_refs(&given["input"]).await,
            (Node::Mutation, "enablePullRequestAutoMerge") => self.let_merge(&given["input"]).await,
            (Node::Repository(slug, record), _) => self.of_repository(slug, record, name, given).await,
            (Node::Ref(slug, branch, at), _) => Ok(match name {
                "name" => Got::Value(json!(branch)),
                "prefix" => Got::Value(json!("refs/heads/")),
                "id" => Got::Value(json!(format!("REF_{slug}:{branch}"))),
                "target" => Got::Node(Node::Commit(slug.clone(), branch.clone(), at.clone())),
                _ => self.none("Ref", name),
            }),
            (Node::Commit(slug, branch, at), _) => match name {
                "oid" => Ok(Got::Value(json!(at))),
                "id" => Ok(Got::Value(json!(format!("C_{at}")))),
                "statusCheckRollup" => self.rollup(slug, branch).await,
                _ => Ok(self.none("Commit", name)),
            },
            (Node::Plain(kind, fields), _) => match fields.get(name) {
                None => Ok(self.none(kind, name)),
                Some(Value::Array(all)) => {
                    let below = all.iter().map(|one| plain(name, one.clone()));
                    Ok(Got::Nodes(below.collect()))
                }
                Some(Value::Object(one)) => Ok(Got::Node(plain(name, Value::Object(one.clone())))),
                Some(value) => Ok(Got::Value(value.clone())),
            },
            _ => Ok(self.none(node.type_name(), name)),
        }
    }

    fn none(&mut self, kind: &str, name: &str) -> Got {
        self.unknown.push(format!("{kind}.{name}"));
        Got::Value(Value::Null)
    }

    async fn of_repository(
        &mut self,
        slug: &RepoSlug,
        record: &RepositoryRecord,
        name: &str,
        given: &Map<String, Value>,
    ) -> Field {
        let forge = &self.hub.forge;
        let broken = |error: ForgeError| failed("INTERNAL", error.to_string());
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(match name {
            "id" => Got::Value(json!(node_id("R", record.id))),
            "databaseId" => Got::Value(json!(record.id)),
            "name" => Got::Value(json!(slug.name())),
            "nameWithOwner" => Got::Value(json!(slug.to_string())),
            "isPrivate" => Got::Value(json!(record.private)),
            "visibility" => Got::Value(json!(if record.private { "PRIVATE" } else { "PUBLIC" })),
            "url" => Got::Value(json!(self.hub.site.page(slug))),
            "isArchived" | "isDisabled" | "isLocked" | "isEmpty" => Got::Value(json!(false)),
            "hasIssuesEnabled" => Got::Value(json!(true)),
            "defaultBranchRef" | "ref" => {
                let wanted = if name == "ref" { text("qualifiedName") } else { record.default_branch.as_str() };
                let short = wanted.strip_prefix("refs/heads/").unwrap_or(wanted);
                let Ok(branch) = short.parse() else { return Ok(Got::Value(Value::Null)) };
                match forge.branch(slug, &branch).await.map_err(broken)? {
                    Some(at) => Got::Node(Node::Ref(slug.clone(), short.to_owned(), at)),
                    None => Got::Value(Value::Null),
                }
            }
            "issues" => {
                let world = forge.world(slug).await.map_err(broken)?;
                let mut shown: Vec<&ThreadWorld> =
                    world.threads.iter().filter(|one| one.thread.pull.is_none() && asked_for(one, given)).collect();
                let order = &given.get("orderBy").cloned().unwrap_or_default();
                shown.sort_by_key(|one| {
                    let at = if order["field"] == "UPDATED_AT" { one.thread.updated_at } else { one.thread.created_at };
                    (at, one.thread.number)
                });
                if order["direction"] == "DESC" {
                    shown.reverse();
                }
                let total = shown.len();
                let first = given.get("first").and_then(Value::as_u64).and_then(|first| usize::try_from(first).ok());
                let Some(first) = first else {
                    return Err(failed("MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value"));
                };
                let nodes: Vec<Value> = shown.iter().take(first).map(|one| issue(one)).collect();
                let info = json!({"hasNextPage": total > first, "hasPreviousPage": false, "startCursor": null, "endCursor": null});
                Got::Node(Node::Plain(
                    "IssueConnection",
                    json!({"totalCount": total, "nodes": nodes, "pageInfo": info}),
                ))
            }
            "issue" => {
                let world = forge.world(slug).await.map_err(broken)?;
                let number = given.get("number").and_then(Value::as_u64).unwrap_or_default();
                let found = world.threads.iter().find(|one| one.thread.number == number && one.thread.pull.is_none());
                let missing =
                    || failed("NOT_FOUND", format!("Could not resolve to an Issue with the number of {number}."));
                Got::Node(Node::Plain("Issue", issue(found.ok_or_else(missing)?)))
            }
            "issueOrPullRequest" => {
                let world = forge.world(slug).await.map_err(broken)?;
                let number = given.get("number").and_then(Value::as_u64).unwrap_or_default();
                let found = world.threads.iter().find(|one| one.thread.number == number);
                let missing = || {
                    failed(
                        "NOT_FOUND",
                        format!("Could not resolve to an issue or pull request with the number of {number}."),
                    )
                };
                let found = found.ok_or_else(missing)?;
                let kind = if found.thread.pull.is_some() { "PullRequest" } else { "Issue" };
                Got::Node(Node::Plain(kind, issue(found)))
            }
            _ => self.none("Repository", name),
        })
    }

    async fn rollup(&self, slug: &RepoSlug, branch: &str) -> Field {
        let branch = branch.parse().ok();
        let query = GlanceQuery { slug: slug.clone(), branch, labels: Vec::new() };
        let seen = self.hub.forge.glance(std::slice::from_ref(&query)).await;
        let checks = seen.ok().and_then(|mut seen| seen.pop()).and_then(Result::ok).map(|glance| glance.checks);
        let state = match checks {
            None | Some(Checks::None) => return Ok(Got::Value(Value::Null)),
            Some(Checks::Pending) => "PENDING",
            Some(Checks::Passing) => "SUCCESS",
            Some(Checks::Failing) => "FAILURE",
        };
        Ok(Got::Node(Node::Plain("StatusCheckRollup", json!({"state": state}))))
    }

    /// Lets a pull request merge by itself; a head that is not the expected one, a draft and a clean state are refused.
    async fn let_merge(&self, input: &Value) -> Field {
        let text = |name: &str| input[name].as_str().unwrap_or_default();
        let known: Vec<RepoSlug> = self.hub.known.lock().expect("no test panics here").values().cloned().collect();
        for slug in known {
            let world = self.hub.forge.world(&slug).await.map_err(|error| failed("INTERNAL", error.to_string()))?;
            let mut pulls = world.threads.iter().filter(|one| one.thread.pull.is_some()).map(|one| one.thread.number);
            let is_meant = |number: &u64| node_id("PR", repository_id(&slug) * 1_000 + number) == text("pullRequestId");
            let Some(number) = pulls.find(is_meant) else { continue };
            let unprocessable = |why: String| failed("UNPROCESSABLE", why);
            let method = text("mergeMethod").to_ascii_lowercase().parse().map_err(unprocessable)?;
            let head = text("expectedHeadOid").parse().map_err(|_| unprocessable("no object id".to_owned()))?;
            let done = self.hub.forge.enable_auto_merge(&slug, number, method, &head).await;
            done.map_err(|error| unprocessable(error.to_string()))?;
            let shown = json!({"clientMutationId": input["clientMutationId"]});
            return Ok(Got::Node(Node::Plain("EnablePullRequestAutoMergePayload", shown)));
        }
        Err(failed(
            "NOT_FOUND",
            format!("Could not resolve to a node with the global id of '{}'", text("pullRequestId")),
        ))
    }

    /// Moves, makes and removes branches, each only from where it is said to stand.
    async fn update_refs(&self, input: &Value) -> Field {
        let id = input["repositoryId"].as_str().unwrap_or_default();
        let known: Vec<(u64, RepoSlug)> =
            self.hub.known.lock().expect("no test panics here").clone().into_iter().collect();
        let slug = known.into_iter().find(|(number, _)| node_id("R", *number) == id).map(|(_, slug)| slug);
        let slug = slug
            .ok_or_else(|| failed("NOT_FOUND", format!("Could not resolve to a node with the global id of '{id}'")))?;
        for update in input["refUpdates"].as_array().into_iter().flatten() {
            self.update_ref(&slug, update).await?;
        }
        Ok(Got::Node(Node::Plain("UpdateRefsPayload", json!({"clientMutationId": input["clientMutationId"]}))))
    }

    async fn update_ref(&self, slug: &RepoSlug, update: &Value) -> Result<(), Failed> {
        let text = |name: &str| update[name].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        let unprocessable = |why: String| failed("UNPROCESSABLE", why);
        let branch = name.strip_prefix("refs/heads/").and_then(|name| name.parse().ok());
        let branch = branch.ok_or_else(|| unprocessable(format!("{name} is not a valid ref name.")))?;
        let (before, after) = (text("beforeOid"), text("afterOid"));
        let refs = self.hub.forge.storage().refs(slug).await.map_err(|error| failed("INTERNAL", error.to_string()))?;
        let current = refs.get(&name["refs/heads/".len()..]).map_or(NOTHING, ObjectId::as_str).to_owned();
        if !before.is_empty() && before != current {
            return Err(unprocessable(format!("{name} is at {current} but expected {before}")));
        }
        let parse = |text: &str| -> Result<ObjectId, Failed> {
            text.parse().map_err(|_| unprocessable(format!("{text} is not an object id")))
        };
        let done = match (current == NOTHING, after == NOTHING) {
            (true, true) => Ok(()),
            (true, false) => self.hub.forge.create_branch(slug, &branch, &parse(&after)?).await,
            (false, true) => self.hub.forge.delete_branch(slug, &branch, &parse(&current)?).await,
            (false, false) => self.hub.forge.advance_branch(slug, &branch, &parse(&current)?, &parse(&after)?).await,
        };
        done.map_err(|error| unprocessable(error.to_string()))
    }
}

/// Returns what the field of a plain value is, by the field's name.
fn plain(field: &str, value: Value) -> Node {
    let kind = match field {
        "nodes" if value.get("editedAt").is_some() => "UserContentEdit",
        "nodes" => "Issue",
        "pageInfo" => "PageInfo",
        "userContentEdits" => "UserContentEditConnection",
        "labels" => "LabelConnection",
        _ if value.get("__typename") == Some(&json!("Bot")) => "Bot",
        _ => "User",
    };
    Node::Plain(kind, value)
}

fn issue(one: &ThreadWorld) -> Value {
    let thread = &one.thread;
    let who = |login: Option<String>| {
        login.map(|login| match person(&actor(&login)) {
            Node::Plain(_, value) => value,
            _ => Value::Null,
        })
    };
    // Once there is an edit, the text as it was written is the first entry of the history.
    let mut edits: Vec<Value> = one
        .events
        .iter()
        .filter(|event| event.kind == homeostat::forge::IssueEventKind::Edited)
        .map(|event| {
            let editor = who(event.actor.as_ref().map(|who| who.login.clone()));
            json!({"id": node_id("UCE", event.id), "editedAt": rfc3339(event.at), "createdAt": rfc3339(event.at), "updatedAt": rfc3339(event.at), "editor": editor})
        })
        .rev()
        .collect();
    if !edits.is_empty() {
        let at = rfc3339(thread.created_at);
        let by = who(thread.author.as_ref().map(|who| who.login.clone()));
        edits.push(json!({"id": node_id("UCE", thread.number), "editedAt": at, "createdAt": at, "updatedAt": at, "editor": by}));
    }
    let last = last_edit(one);
    json!({
        "id": node_id("I", thread.number), "number": thread.number, "title": thread.title, "body": thread.body,
        "state": if thread.open { "OPEN" } else { "CLOSED" }, "locked": thread.locked,
        "createdAt": rfc3339(thread.created_at), "updatedAt": rfc3339(thread.updated_at),
        "lastEditedAt": last.as_ref().map(|(at, _)| at.clone()), "editor": who(last.and_then(|(_, login)| login)),
        "author": who(thread.author.as_ref().map(|who| who.login.clone())),
        "includesCreatedEdit": !edits.is_empty(),
        "userContentEdits": {"totalCount": edits.len(), "nodes": edits,
            "pageInfo": {"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null}},
    })
}

/// Whether an issue is among those asked for: any of the labels is enough.
fn asked_for(one: &ThreadWorld, given: &Map<String, Value>) -> bool {
    let filter = given.get("filterBy").cloned().unwrap_or_default();
    let list = |name: &str| -> Option<Vec<String>> {
        let found = given.get(name).filter(|value| !value.is_null()).or_else(|| filter.get(name))?;
        // One thing stands for a list of it.
        let one = [found.clone()];
        let all = found.as_array().map_or(one.as_slice(), Vec::as_slice);
        Some(all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
    };
    let state = if one.thread.open { "OPEN" } else { "CLOSED" };
    list("states").is_none_or(|states| states.iter().any(|one| one == state))
        && list("labels").is_none_or(|labels| {
            labels.iter().any(|want| one.thread.labels.iter().any(|has| has.eq_ignore_ascii_case(want)))
        })
}
