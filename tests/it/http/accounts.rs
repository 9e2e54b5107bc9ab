//! Who a token is: accounts, Apps and their installations, what somebody may do, and the state of the limits.

use homeostat::forge::Forge;
use homeostat::forge::rules::{Storage, actor};
use homeostat::model::{Actor, RepoSlug};
use serde_json::{Value, json};

use super::door::Token;
use super::exchange::{Answer, Handled, NO_ADDRESS, Request, refusal, rfc3339};
use super::routes::{Hub, Place};
use super::shapes::{node_id, permission};

/// The only App's number, and that of its only installation.
const APP: u64 = 4_711;
const INSTALLATION: u64 = 815;

/// How long an installation's token lives, in seconds.
pub(super) const TOKEN_LIFE: u64 = 3_600;

impl Hub {
    /// Answers what is about accounts and not about one repository.
    pub(super) async fn account(&self, segments: &[&str], request: &Request, token: &Token) -> Handled {
        match (request.method.as_str(), segments) {
            ("GET", ["user"]) => match token {
                Token::Personal(login) => Ok(Answer::json(200, self.site.account(&actor(login)))),
                Token::Installation(_) => Err(Answer::error(403, "Resource not accessible by integration")),
                Token::App(_) => Err(Answer::error(401, "Requires authentication")),
            },
            ("GET", ["users", login]) => Ok(Answer::json(200, self.site.account(&actor(login)))),
            ("GET", ["rate_limit"]) => {
                let (most, left) = self.setup.lock().expect("no test panics here").rate;
                let limit = json!({"limit": most, "remaining": left, "reset": self.seconds().await + 3_600, "used": most - left});
                Ok(Answer::json(
                    200,
                    json!({"rate": limit, "resources": {"core": limit, "search": limit, "graphql": limit}}),
                ))
            }
            ("GET", ["app"]) => Ok(Answer::json(200, self.app(token)?)),
            ("GET", ["app", "installations", id]) if *id == INSTALLATION.to_string() => {
                Ok(Answer::json(200, self.installation(token)?))
            }
            ("GET", ["orgs" | "users", _, "installation"]) => Ok(Answer::json(200, self.installation(token)?)),
            ("POST", ["app", "installations", id, "access_tokens"]) if *id == INSTALLATION.to_string() => {
                let Token::App(login) = token else { return Err(not_an_app()) };
                let until = self.forge.now().await.map_err(refusal)?.after(std::time::Duration::from_secs(TOKEN_LIFE));
                let minted = json!({
                    "token": format!("ghs_{login}.{}", until.as_millis()), "expires_at": rfc3339(until),
                    "permissions": {"contents": "write", "metadata": "read"}, "repository_selection": "selected",
                });
                Ok(Answer::json(201, minted))
            }
            _ => Err(Answer::error(501, NO_ADDRESS)),
        }
    }

    pub(super) fn installation_of(&self, _: &RepoSlug, token: &Token) -> Handled {
        Ok(Answer::json(200, self.installation(token)?))
    }

    fn app(&self, token: &Token) -> Result<Value, Answer> {
        let Token::App(login) = token else { return Err(not_an_app()) };
        let slug = login.trim_end_matches("[bot]");
        Ok(json!({
            "id": APP, "slug": slug, "node_id": node_id("A", APP), "owner": self.site.user(&actor("acme")), "name": slug,
            "description": null, "external_url": "https://example.com", "html_url": format!("{}/apps/{slug}", self.site.html),
            "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
            "permissions": {"contents": "write", "metadata": "read"}, "events": [],
        }))
    }

    fn installation(&self, token: &Token) -> Result<Value, Answer> {
        let Token::App(login) = token else { return Err(not_an_app()) };
        let root = format!("{}/app/installations/{INSTALLATION}", self.site.api);
        let account = self.site.user(&actor("acme"));
        Ok(json!({
            "id": INSTALLATION, "account": account, "access_tokens_url": format!("{root}/access_tokens"),
            "repositories_url": format!("{}/installation/repositories", self.site.api), "html_url": self.site.html,
            "app_id": APP, "app_slug": login.trim_end_matches("[bot]"), "target_id": actor("acme").id,
            "target_type": "Organization", "permissions": self.setup.lock().expect("no test panics here").granted.clone(), "events": [],
            "single_file_name": null, "repository_selection": "all", "created_at": "2020-01-01T00:00:00Z",
            "updated_at": "2020-01-01T00:00:00Z", "suspended_by": null, "suspended_at": null,
        }))
    }

    pub(super) async fn seconds(&self) -> u64 {
        let now = self.forge.now().await.map_or(0, |now| now.as_millis() / 1_000);
        u64::try_from(now).unwrap_or_default()
    }
}

fn not_an_app() -> Answer {
    Answer::error(401, "A JSON web token could not be decoded")
}

impl Place<'_> {
    /// Answers what a login may do; the account in the answer is the login's, whatever id the asker had in mind.
    pub(super) async fn permission(&self, login: &str) -> Handled {
        let who: Actor = actor(login);
        let may = self.hub.forge.permission(&self.slug, &who).await.map_err(refusal)?;
        let (word, role) = permission(may);
        let mut user = self.hub.site.user(&who);
        user["role_name"] = json!(role);
        Ok(Answer::json(200, json!({"permission": word, "role_name": role, "user": user})))
    }

    pub(super) async fn list_milestones(&self) -> Handled {
        let titles = self.hub.forge.storage().milestones(&self.slug).await.map_err(refusal)?;
        let all = titles.iter().enumerate();
        Ok(self.listed(all.map(|(place, title)| self.hub.site.milestone(&self.slug, place, title)).collect()))
    }
}
