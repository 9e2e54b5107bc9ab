//! Issues, comments, labels and pull requests.

use std::cmp::Reverse;

use homeostat::forge::rules::{Storage, ThreadRecord, ThreadWorld, World};
use homeostat::forge::{Forge, ForgeError, IssueEventKind, Label, NewPull, PullEdit, PullQuery, Reaction};
use homeostat::model::Timestamp;
use serde_json::{Value, json};

use super::exchange::{Answer, Handled, refusal, rfc3339};
use super::routes::Place;

/// Most characters of a body.
const BODY: usize = 65_536;

impl Place<'_> {
    fn show(&self, world: &World, one: &ThreadWorld, milestones: &[String]) -> Value {
        self.hub.site.issue(&self.slug, &one.thread, one.comments.len(), &world.labels, milestones)
    }

    /// Lists issues, pull requests among them, as GitHub does.
    pub(super) async fn issues(&self) -> Handled {
        let query = &self.request.query;
        let asked = |name: &str, otherwise: &str| query.get(name).cloned().unwrap_or_else(|| otherwise.to_owned());
        let (state, sort, direction) = (asked("state", "open"), asked("sort", "created"), asked("direction", "desc"));
        let since: Option<Timestamp> = match query.get("since") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| Answer::error(422, "since is no time"))?),
        };
        let labels: Vec<&str> = query.get("labels").map(|list| list.split(',').collect()).unwrap_or_default();
        let fits = |thread: &ThreadRecord| {
            (state == "all" || thread.open == (state == "open"))
                // Whole seconds: what GitHub shows is what it compares.
                && since.is_none_or(|since| thread.updated_at.as_millis() / 1_000 >= since.as_millis() / 1_000)
                && labels.iter().all(|want| thread.labels.iter().any(|has| has.eq_ignore_ascii_case(want)))
        };
        let world = self.world().await?;
        let milestones = self.milestones().await?;
        let mut shown: Vec<&ThreadWorld> = world.threads.iter().filter(|one| fits(&one.thread)).collect();
        let by = |one: &&ThreadWorld| {
            let thread = &one.thread;
            (if sort == "updated" { thread.updated_at } else { thread.created_at }, thread.number)
        };
        if direction == "asc" {
            shown.sort_by_key(by);
        } else {
            shown.sort_by_key(|one| Reverse(by(one)));
        }
        Ok(self.listed(shown.iter().map(|one| self.show(&world, one, &milestones)).collect()))
    }

    pub(super) async fn create_issue(&self) -> Handled {
        let text = |name: &str| self.request.text(name).unwrap_or_default();
        match self.hub.forge.create_issue(&self.slug, text("title"), text("body")).await {
            Ok(made) => {
                let world = self.world().await?;
                let one = find(&world, made.number)?;
                Ok(Answer::json(201, self.show(&world, one, &self.milestones().await?)))
            }
            Err(ForgeError::Invalid(_)) => {
                Err(Answer::invalid(json!([{"resource": "Issue", "code": "missing_field", "field": "title"}])))
            }
            Err(error) => Err(refusal(error)),
        }
    }

    pub(super) async fn issue(&self, number: u64) -> Handled {
        let world = self.world().await?;
        let one = find(&world, number)?;
        Ok(Answer::json(200, self.show(&world, one, &self.milestones().await?)))
    }

    /// Changes an issue; Homeostat changes nothing of it but its milestone.
    pub(super) async fn edit_issue(&self, number: u64) -> Handled {
        let members = self.request.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        find(&self.world().await?, number)?;
        let milestones = self.milestones().await?;
        let (Some(wanted), 1) = (members.get("milestone").and_then(Value::as_u64), members.len()) else {
            return Err(Answer::error(501, "Homeostat changes nothing of an issue but its milestone."));
        };
        let place = usize::try_from(wanted).ok().and_then(|wanted| wanted.checked_sub(1));
        let title = place.and_then(|place| milestones.get(place)).ok_or_else(|| {
            Answer::invalid(json!([{"resource": "Issue", "field": "milestone", "code": "invalid", "value": wanted}]))
        })?;
        self.hub.forge.set_milestone(&self.slug, number, title).await.map_err(refusal)?;
        self.issue(number).await
    }

    pub(super) async fn comments(&self, number: u64) -> Handled {
        let world = self.world().await?;
        let one = find(&world, number)?;
        let since: Option<Timestamp> = self.request.query.get("since").and_then(|text| text.parse().ok());
        let shown = one.comments.iter().filter(|comment| since.is_none_or(|since| comment.created_at >= since));
        let shown = shown
            .map(|comment| self.hub.site.comment(&self.slug, number, comment, comment_id(number, comment.position)));
        Ok(self.listed(shown.collect()))
    }

    pub(super) async fn create_comment(&self, number: u64) -> Handled {
        let body = self.request.text("body").unwrap_or_default();
        match self.hub.forge.create_comment(&self.slug, number, body).await {
            Ok(made) => {
                let world = self.world().await?;
                let comments = &find(&world, number)?.comments;
                let record = comments.iter().find(|one| comment_id(number, one.position) == made.id);
                let record = record.ok_or_else(|| Answer::error(500, "the comment was not kept"))?;
                Ok(Answer::json(201, self.hub.site.comment(&self.slug, number, record, made.id)))
            }
            Err(ForgeError::Denied(_)) => Err(Answer::error(403, "Unable to create comment because issue is locked.")),
            Err(ForgeError::Invalid(_)) => Err(Answer::invalid(
                json!([{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body can't be blank"}]),
            )),
            Err(error) => Err(refusal(error)),
        }
    }

    pub(super) async fn edit_comment(&self, id: u64) -> Handled {
        let body = self.request.text("body").unwrap_or_default();
        self.hub.forge.edit_comment(&self.slug, id, body).await.map_err(refusal)?;
        let (number, position) = (id / 1_000_000, id % 1_000_000);
        let world = self.world().await?;
        let comments = &find(&world, number)?.comments;
        let record = comments.iter().find(|one| one.position == position).ok_or_else(Answer::not_found)?;
        Ok(Answer::json(200, self.hub.site.comment(&self.slug, number, record, id)))
    }

    /// Puts a reaction on a comment: 201, or 200 where it was there already.
    pub(super) async fn react(&self, id: u64) -> Handled {
        let content = self.request.text("content").unwrap_or_default();
        let reaction: Reaction = serde_json::from_value(json!(content))
            .map_err(|_| Answer::error(501, "Homeostat has no other reactions."))?;
        let (number, position) = (id / 1_000_000, id % 1_000_000);
        let world = self.world().await?;
        let comments = &find(&world, number)?.comments;
        let record = comments.iter().find(|one| one.position == position).ok_or_else(Answer::not_found)?;
        let (status, at) = (if record.reactions.contains(&reaction) { 200 } else { 201 }, record.created_at);
        self.hub.forge.react(&self.slug, id, reaction).await.map_err(refusal)?;
        Ok(Answer::json(status, self.hub.site.reaction(id, content, at)))
    }

    /// Lists what happened to a thread; the timeline has its comments too.
    pub(super) async fn events(&self, number: u64, timeline: bool) -> Handled {
        let world = self.world().await?;
        let one = find(&world, number)?;
        let mut all: Vec<(Timestamp, Value)> =
            one.events.iter().filter_map(|event| Some((event.at, self.hub.site.event(&self.slug, event)?))).collect();
        if timeline {
            for comment in &one.comments {
                let id = comment_id(number, comment.position);
                let mut shown = self.hub.site.comment(&self.slug, number, comment, id);
                shown["event"] = json!("commented");
                shown["actor"] = shown["user"].clone();
                all.push((comment.created_at, shown));
            }
        }
        all.sort_by_key(|(at, _)| *at);
        Ok(self.listed(all.into_iter().map(|(_, event)| event).collect()))
    }

    async fn known_labels(&self) -> Result<Vec<Label>, Answer> {
        self.hub.forge.storage().labels(&self.slug).await.map_err(refusal)
    }

    pub(super) async fn labels(&self) -> Handled {
        let known = self.known_labels().await?;
        Ok(self.listed(known.iter().map(|label| self.hub.site.label(&self.slug, label)).collect()))
    }

    pub(super) async fn label(&self, name: &str) -> Handled {
        let known = self.known_labels().await?;
        let found = known.iter().find(|label| label.name.eq_ignore_ascii_case(name)).ok_or_else(Answer::not_found)?;
        Ok(Answer::json(200, self.hub.site.label(&self.slug, found)))
    }

    pub(super) async fn create_label(&self) -> Handled {
        let text = |name: &str| self.request.text(name).unwrap_or_default().to_owned();
        let label = Label { name: text("name"), color: text("color"), description: text("description") };
        let wrong =
            |code: &str, field: &str| Answer::invalid(json!([{"resource": "Label", "code": code, "field": field}]));
        match self.hub.forge.create_label(&self.slug, &label).await {
            Ok(()) => Ok(Answer::json(201, self.hub.site.label(&self.slug, &label))),
            Err(ForgeError::Conflict(_)) => Err(wrong("already_exists", "name")),
            Err(ForgeError::Invalid(_)) => Err(wrong("invalid", "color")),
            Err(error) => Err(refusal(error)),
        }
    }

    async fn labels_of(&self, number: u64) -> Result<Value, Answer> {
        let world = self.world().await?;
        let one = find(&world, number)?;
        let has = world.labels.iter().filter(|label| one.thread.labels.contains(&label.name));
        Ok(has.map(|label| self.hub.site.label(&self.slug, label)).collect())
    }

    pub(super) async fn add_labels(&self, number: u64) -> Handled {
        let labels = match &self.request.body {
            Some(Value::Array(list)) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => self.request.texts("labels"),
        };
        match self.hub.forge.add_labels(&self.slug, number, &labels).await {
            Ok(()) => Ok(Answer::json(200, self.labels_of(number).await?)),
            Err(ForgeError::Invalid(_)) => {
                Err(Answer::invalid(json!([{"resource": "Label", "code": "invalid", "field": "name"}])))
            }
            Err(error) => Err(refusal(error)),
        }
    }

    pub(super) async fn remove_label(&self, number: u64, label: &str) -> Handled {
        let world = self.world().await?;
        let has = find(&world, number)?.thread.labels.iter().any(|has| has.eq_ignore_ascii_case(label));
        if !has {
            return Err(Answer::error(404, "Label does not exist"));
        }
        self.hub.forge.remove_label(&self.slug, number, label).await.map_err(refusal)?;
        Ok(Answer::json(200, self.labels_of(number).await?))
    }

    pub(super) async fn add_assignees(&self, number: u64) -> Handled {
        let people = self.request.texts("assignees");
        self.hub.forge.add_assignees(&self.slug, number, &people).await.map_err(refusal)?;
        let answer = self.issue(number).await?;
        Ok(Answer { status: 201, ..answer })
    }

    /// Shows a pull request by its number, as it stands.
    async fn shown(&self, number: u64) -> Result<Value, Answer> {
        let world = self.world().await?;
        let one = find(&world, number)?;
        let pull = one.thread.pull.as_ref().ok_or_else(Answer::not_found)?;
        let milestones = self.milestones().await?;
        Ok(self.hub.site.pull(&self.slug, &self.record, &one.thread, pull, &world.labels, &milestones))
    }

    pub(super) async fn pull(&self, number: u64) -> Handled {
        Ok(Answer::json(200, self.shown(number).await?))
    }

    /// Lists the reviews of a pull request.
    pub(super) async fn reviews(&self, number: u64) -> Handled {
        let world = self.world().await?;
        let pull = find(&world, number)?.thread.pull.as_ref().ok_or_else(Answer::not_found)?;
        let site = &self.hub.site;
        Ok(self.listed(pull.reviewed_by.iter().map(|by| site.review(&self.slug, number, pull, by)).collect()))
    }

    /// Lists pull requests. A head without its owner filters nothing, as on GitHub.
    pub(super) async fn pulls(&self) -> Handled {
        let query = &self.request.query;
        let owner = format!("{}:", self.slug.owner());
        let head = match query.get("head").filter(|head| head.contains(':')) {
            None => None,
            Some(head) => match head.strip_prefix(&owner).and_then(|name| name.parse().ok()) {
                Some(branch) => Some(branch),
                None => return Ok(self.listed(Vec::new())),
            },
        };
        let state = query.get("state").map_or("open", String::as_str);
        let asked = PullQuery { head, open_only: state == "open" };
        let mut numbers = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let found = self.hub.forge.pulls(&self.slug, &asked, page.as_deref()).await.map_err(refusal)?;
            let fits = found.items.iter().filter(|pull| {
                (state != "closed" || pull.state != homeostat::forge::PullState::Open)
                    && query.get("base").is_none_or(|base| pull.base.as_str() == base)
            });
            numbers.extend(fits.map(|pull| pull.number));
            page = found.next;
            if page.is_none() {
                break;
            }
        }
        if query.get("direction").is_some_and(|direction| direction == "asc") {
            numbers.reverse();
        }
        let mut all = Vec::new();
        for number in numbers {
            all.push(self.shown(number).await?);
        }
        Ok(self.listed(all))
    }

    pub(super) async fn create_pull(&self) -> Handled {
        let text = |name: &str| self.request.text(name).unwrap_or_default();
        let wrong = |error: Value| Answer::invalid(json!([error]));
        let field = |name: &str, code: &str| wrong(json!({"resource": "PullRequest", "field": name, "code": code}));
        let custom = |message: &str| wrong(json!({"resource": "PullRequest", "code": "custom", "message": message}));
        let head = text("head").strip_prefix(&format!("{}:", self.slug.owner())).unwrap_or(text("head"));
        let new = NewPull {
            title: text("title").to_owned(),
            body: text("body").to_owned(),
            head: head.parse().map_err(|_| field("head", "invalid"))?,
            base: text("base").parse().map_err(|_| field("base", "invalid"))?,
            draft: self.request.body.as_ref().and_then(|body| body.get("draft")) == Some(&Value::Bool(true)),
        };
        match self.hub.forge.create_pull(&self.slug, &new).await {
            Ok(made) => Ok(Answer::json(201, self.shown(made.number).await?)),
            Err(ForgeError::Conflict(_)) => {
                Err(custom(&format!("A pull request already exists for {}:{}.", self.slug.owner(), new.head)))
            }
            Err(ForgeError::Invalid(why)) => Err(if why.contains("No commits") {
                custom(&why)
            } else if why.contains("needs a title") {
                field("title", "missing_field")
            } else if why.contains("characters") {
                custom(&format!("body is too long (maximum is {BODY} characters)"))
            } else if why.starts_with("the head") {
                field("head", "invalid")
            } else {
                field("base", "invalid")
            }),
            Err(error) => Err(refusal(error)),
        }
    }

    pub(super) async fn edit_pull(&self, number: u64) -> Handled {
        let members = self.request.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        if members.keys().any(|name| name != "title" && name != "body") {
            return Err(Answer::error(501, "Homeostat changes title and body of a pull request and nothing else."));
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let edit = PullEdit { title: text("title"), body: text("body") };
        match self.hub.forge.edit_pull(&self.slug, number, &edit).await {
            Ok(()) => self.pull(number).await,
            Err(ForgeError::Invalid(why)) => Err(Answer::invalid(
                json!([{"resource": "PullRequest", "code": "custom", "field": "body", "message": why}]),
            )),
            Err(error) => Err(refusal(error)),
        }
    }

    pub(super) async fn request_reviewers(&self, number: u64) -> Handled {
        let (people, teams) = (self.request.texts("reviewers"), self.request.texts("team_reviewers"));
        match self.hub.forge.request_reviewers(&self.slug, number, &people, &teams).await {
            Ok(()) => Ok(Answer::json(201, self.shown(number).await?)),
            Err(ForgeError::Invalid(_)) => Err(Answer::error(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator.",
            )),
            Err(error) => Err(refusal(error)),
        }
    }
}

pub(super) fn find(world: &World, number: u64) -> Result<&ThreadWorld, Answer> {
    world.threads.iter().find(|one| one.thread.number == number).ok_or_else(Answer::not_found)
}

/// The number that the rules give a comment.
fn comment_id(thread: u64, position: u64) -> u64 {
    thread * 1_000_000 + position
}

/// When a title or a body last changed, and by whom; only GraphQL tells it.
pub(super) fn last_edit(one: &ThreadWorld) -> Option<(String, Option<String>)> {
    let mut edits = one.events.iter().filter(|event| event.kind == IssueEventKind::Edited);
    edits.next_back().map(|event| (rfc3339(event.at), event.actor.as_ref().map(|who| who.login.clone())))
}
