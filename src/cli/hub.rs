//! GitHub as the environment describes it: addresses, who we are there, where to clone from. Layer 5.
//!
//! A command is refused here, before any request, where its token cannot do what the configuration asks (PROTOCOL.md, 9).

#![expect(clippy::disallowed_methods, reason = "keys may be handed over as files, which a face reads")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::cli::failure::Failure;
use crate::cli::session::Privilege;
use crate::config::Loaded;
use crate::forge::github::{Credentials, GithubForge, Governor, Proxies, Settings, TokenKind};
use crate::model::{RepoSlug, Secret};
use crate::system::System as _;
use crate::system::os::OsSystem;
use crate::workspace::git::Tokens;

/// A key is a line or a PEM file; what is larger is neither.
const KEY_CAP: u64 = 64 << 10;

type Env = BTreeMap<String, String>;

/// GitHub, opened for one command.
pub(crate) struct Hub {
    pub(crate) forge: Arc<GithubForge>,
    /// Keeps this process within GitHub's limits.
    pub(crate) governor: Arc<Governor>,
    /// Where repositories are cloned from, with `{slug}` in it.
    clone_url: String,
    /// The host that people open, to which a token may be sent.
    server_host: String,
}

impl Hub {
    /// Reads the environment and makes the forge; sends nothing.
    pub(crate) fn open(privilege: Privilege, loaded: &Loaded, env: &Env) -> Result<Self, Failure> {
        let set = |name: &str| env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let server_url = set("GITHUB_SERVER_URL").unwrap_or("https://github.com").trim_end_matches('/').to_owned();
        let clone_url = match set("HOMEOSTAT_GIT_URL") {
            Some(template) if !template.contains("{slug}") => {
                return Err(Failure::config(
                    "HOMEOSTAT_GIT_URL has no {slug} in it; write where a repository is cloned from, such as https://mirror.example/{slug}.git.",
                ));
            }
            Some(template) => template.to_owned(),
            None => format!("{server_url}/{{slug}}.git"),
        };
        let credentials = credentials(privilege, env)?;
        let repositories: Vec<RepoSlug> = loaded.config.repositories.iter().map(|policy| policy.slug.clone()).collect();
        reaches(privilege, &credentials, &repositories, env)?;
        let system = OsSystem::new();
        let own = set("GITHUB_REPOSITORY").and_then(|slug| slug.parse().ok());
        let deadline = Some(system.monotonic() + loaded.config.run.deadline);
        let governor = Arc::new(Governor::new(Arc::new(system), deadline));
        let settings = Settings {
            api_url: set("GITHUB_API_URL").unwrap_or("https://api.github.com").to_owned(),
            graphql_url: set("GITHUB_GRAPHQL_URL").map(str::to_owned),
            server_url: server_url.clone(),
            credentials: credentials.is,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            deadline,
            system: Arc::new(system),
            repositories,
            operator: loaded.config.state.repository.clone().or(own),
            governor: Some(governor.clone()),
        };
        let forge = GithubForge::new(settings).map_err(|error| Failure::config(format!("{error}.")))?;
        let forge = match proxies(env)? {
            Some(proxies) => forge.through(proxies),
            None => forge,
        };
        let server_host = host(&server_url).to_owned();
        Ok(Self { forge: Arc::new(forge), governor, clone_url, server_host })
    }

    /// Returns where a repository is cloned from.
    pub(crate) fn clone_address(&self, slug: &RepoSlug) -> String {
        self.clone_url.replace("{slug}", &slug.to_string())
    }

    /// Returns what gives git its token; a mirror elsewhere gets none.
    pub(crate) fn tokens(&self) -> Arc<dyn Tokens> {
        let own = host(&self.clone_url).eq_ignore_ascii_case(&self.server_host);
        Arc::new(GitTokens(own.then(|| self.forge.clone())))
    }
}

struct GitTokens(Option<Arc<GithubForge>>);

#[async_trait]
impl Tokens for GitTokens {
    async fn token(&self, slug: &RepoSlug) -> Result<Option<Secret>, String> {
        let Some(forge) = &self.0 else { return Ok(None) };
        let token = forge.git_token(slug).await;
        token.map(Some).map_err(|error| format!("There is no token to fetch {slug} with: {error}."))
    }
}

/// Names of variables that say which proxy leads to servers over TLS; the first that is set counts.
pub(crate) const PROXY_NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Reads the proxy of the operator's network.
pub(crate) fn proxies(env: &Env) -> Result<Option<Proxies>, Failure> {
    let set = |name: &&str| env.get(*name).is_some_and(|value| !value.trim().is_empty());
    let Some(name) = PROXY_NAMES.into_iter().find(|name| set(name)) else { return Ok(None) };
    let address = Secret::new(env.get(name).map(String::as_str).unwrap_or_default());
    let no_proxy = ["NO_PROXY", "no_proxy"].into_iter().find(set).and_then(|name| env.get(name));
    let proxies = Proxies::new(&address, no_proxy.map(String::as_str).unwrap_or_default());
    proxies.map(Some).map_err(|why| Failure::config(format!("{name} cannot be used: {why}.")))
}

/// Who we are, and how we know.
struct Known {
    is: Credentials,
    /// An App made by its operator, not the token of a workflow's job.
    app: bool,
    /// The variable that it came from.
    from: &'static str,
}

/// Chooses who we are for a command: what writes uses the App or the token; what runs repository code the one that reads.
fn credentials(privilege: Privilege, env: &Env) -> Result<Known, Failure> {
    if privilege == Privilege::Propose
        && let Some(token) = key("HOMEOSTAT_READ_TOKEN", env)?
    {
        return Ok(Known { is: Credentials::token(token).read_only(), app: false, from: "HOMEOSTAT_READ_TOKEN" });
    }
    let app = (key("HOMEOSTAT_APP_ID", env)?, key("HOMEOSTAT_APP_KEY", env)?);
    match app {
        // The key of an App that writes is never where repository code runs.
        _ if privilege == Privilege::Propose => {}
        (Some(id), Some(secret)) => {
            let is = Credentials::app(id.expose(), &secret)
                .map_err(|why| Failure::config(format!("HOMEOSTAT_APP_KEY cannot be used: {why}.")))?;
            return Ok(Known { is, app: true, from: "HOMEOSTAT_APP_ID" });
        }
        (Some(_), None) => {
            return Err(Failure::config("HOMEOSTAT_APP_ID is set and HOMEOSTAT_APP_KEY is not; an App needs both."));
        }
        (None, Some(_)) => {
            return Err(Failure::config("HOMEOSTAT_APP_KEY is set and HOMEOSTAT_APP_ID is not; an App needs both."));
        }
        (None, None) => {}
    }
    let Some(token) = key("GITHUB_TOKEN", env)? else {
        let other = if privilege == Privilege::Propose {
            "HOMEOSTAT_READ_TOKEN"
        } else {
            "HOMEOSTAT_APP_ID and HOMEOSTAT_APP_KEY"
        };
        return Err(Failure::config(format!(
            "There is no token for GitHub; set GITHUB_TOKEN, or {other}. A forge in a folder needs none: --forge local:DIR."
        )));
    };
    let is = Credentials::token(token);
    let is = if privilege == Privilege::Propose { is.read_only() } else { is };
    Ok(Known { is, app: false, from: "GITHUB_TOKEN" })
}

/// Refuses a workflow's own token where the configuration names repositories that it cannot reach.
fn reaches(privilege: Privilege, known: &Known, repositories: &[RepoSlug], env: &Env) -> Result<(), Failure> {
    let job_token = !known.app && known.from == "GITHUB_TOKEN" && known.is.token_kind() == TokenKind::Installation;
    let own = env.get("GITHUB_REPOSITORY").map(String::as_str).unwrap_or_default();
    let in_actions = env.get("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    // `doctor` says as a finding what every other command refuses.
    if !job_token || !in_actions || matches!(privilege, Privilege::Record | Privilege::Look) {
        return Ok(());
    }
    let Some(other) = repositories.iter().find(|slug| !slug.to_string().eq_ignore_ascii_case(own)) else {
        return Ok(());
    };
    let give = match privilege {
        Privilege::Propose => "set HOMEOSTAT_READ_TOKEN to a token that can read it",
        _ => "give it an App (HOMEOSTAT_APP_ID, HOMEOSTAT_APP_KEY) or a personal token in GITHUB_TOKEN",
    };
    Err(Failure::config(format!(
        "GITHUB_TOKEN of a workflow reaches its own repository {own} only, and the configuration has {other}; {give}."
    )))
}

/// Reads a key from its variable, or from the file that `<name>_FILE` names.
fn key(name: &str, env: &Env) -> Result<Option<Secret>, Failure> {
    let value = |name: &str| env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    if let Some(value) = value(name) {
        return Ok(Some(Secret::new(value)));
    }
    let Some(path) = value(&format!("{name}_FILE")) else { return Ok(None) };
    let cannot = |why: String| Failure::config(format!("{name}_FILE names {path}, which cannot be read: {why}."));
    let size = std::fs::metadata(path).map_err(|e| cannot(e.to_string()))?.len();
    if size > KEY_CAP {
        return Err(cannot(format!("it has {size} bytes, which is no key")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| cannot(e.to_string()))?;
    Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(Secret::new))
}

/// Keys whose values must never leave; the number of an App is no secret.
const SECRET_KEYS: [&str; 3] = ["GITHUB_TOKEN", "HOMEOSTAT_READ_TOKEN", "HOMEOSTAT_APP_KEY"];

/// Returns the secrets that come by file, as a whole and line by line: a log shows a PEM file in pieces. A file that cannot
/// be read is told of by whoever needs it.
pub(crate) fn secrets_by_file(env: &Env) -> Vec<Secret> {
    let named = SECRET_KEYS.iter().filter(|name| env.contains_key(&format!("{name}_FILE")));
    let mut all = Vec::new();
    for text in named.filter_map(|name| key(name, env).ok().flatten()) {
        let lines = text.expose().lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        // The last line of a PEM file may be a few letters, which would blank much that is harmless.
        all.extend(lines.filter(|line| line.len() >= 16).map(Secret::new));
        all.push(text);
    }
    all
}

/// Returns the host of an address, with its port.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;

    fn env(pairs: &[(&str, &str)]) -> Env {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn opened(privilege: Privilege, slugs: &[&str], pairs: &[(&str, &str)]) -> Result<Hub, String> {
        let slugs: Vec<RepoSlug> = slugs.iter().map(|slug| slug.parse().expect("a slug")).collect();
        let loaded = Loaded::built_in(&slugs, &Env::new(), Flags::default()).expect("valid");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _inside = runtime.enter();
        Hub::open(privilege, &loaded, &env(pairs)).map_err(|failure| failure.message)
    }

    #[test]
    fn a_workflows_own_token_is_refused_for_other_repositories_before_any_request() {
        let job = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/own"), ("GITHUB_TOKEN", "ghs_abc")];
        assert!(opened(Privilege::All, &["o/own"], &job).is_ok());
        let refused = opened(Privilege::All, &["o/own", "o/other"], &job).err().expect("a refusal");
        assert!(refused.contains("o/other") && refused.contains("HOMEOSTAT_APP_ID"), "{refused}");
        let reading = opened(Privilege::Propose, &["o/other"], &job).err().expect("a refusal");
        assert!(reading.contains("HOMEOSTAT_READ_TOKEN"), "{reading}");
        assert!(opened(Privilege::Record, &["o/other"], &job).is_ok(), "only the operator's repository is written");
        let personal = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/own"), ("GITHUB_TOKEN", "github_pat_x")];
        assert!(opened(Privilege::All, &["o/other"], &personal).is_ok());
    }

    #[test]
    fn a_key_that_comes_by_file_is_hidden_whole_and_line_by_line() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (first, second) = ("MIIEpAIBAAKCAQEA0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        let pem = format!("-----BEGIN KEY-----\n{first}\n{second}\nQ==\n-----END KEY-----\n");
        std::fs::write(file.path(), &pem).expect("a file");
        let path = file.path().display().to_string();
        let found =
            secrets_by_file(&env(&[("HOMEOSTAT_APP_KEY_FILE", &path), ("GITHUB_TOKEN_FILE", "/nowhere/token")]));
        let shown: Vec<&str> = found.iter().map(Secret::expose).collect();
        assert_eq!(shown, [first, second, pem.trim()]);
        assert!(secrets_by_file(&env(&[("GITHUB_TOKEN", "ghp_x"), ("OTHER_FILE", &path)])).is_empty());
    }

    #[test]
    fn without_a_token_it_is_said_what_to_set() {
        let refused = opened(Privilege::All, &["o/own"], &[]).err().expect("a refusal");
        assert!(refused.contains("GITHUB_TOKEN") && refused.contains("local:DIR"), "{refused}");
        let half = opened(Privilege::All, &["o/own"], &[("HOMEOSTAT_APP_ID", "1")]).err().expect("a refusal");
        assert!(half.contains("HOMEOSTAT_APP_KEY"), "{half}");
        let file = [("GITHUB_TOKEN_FILE", "/nowhere/token")];
        let missing = opened(Privilege::All, &["o/own"], &file).err().expect("a refusal");
        assert!(missing.contains("/nowhere/token"), "{missing}");
    }

    #[test]
    fn v_104_a_token_is_sent_neither_in_the_clear_nor_to_a_mirror() {
        let to = |url: &'static str| [("GITHUB_TOKEN", "ghp_x"), ("GITHUB_API_URL", url)];
        for bad in ["http://169.254.169.254/", "http://api.example", "ftp://x", "nonsense"] {
            let refused = opened(Privilege::All, &["o/own"], &to(bad)).err();
            assert!(refused.is_some(), "{bad}");
        }
        let mirror = [("GITHUB_TOKEN", "ghp_x"), ("HOMEOSTAT_GIT_URL", "https://mirror.example/{slug}.git")];
        let hub = opened(Privilege::All, &["o/own"], &mirror).expect("a mirror");
        assert_eq!(hub.clone_address(&"o/own".parse().expect("a slug")), "https://mirror.example/o/own.git");
        assert!(!host(&hub.clone_url).eq_ignore_ascii_case(&hub.server_host));
        let wrong = [("GITHUB_TOKEN", "ghp_x"), ("HOMEOSTAT_GIT_URL", "https://mirror.example/")];
        assert!(opened(Privilege::All, &["o/own"], &wrong).err().is_some_and(|why| why.contains("{slug}")));
    }
}
