//! Brings exactly one commit into a pristine bare repository and checks that it is the one asked for. Layer 3.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Tokens, machine};
use crate::git::{Git, GitError, Transport};
use crate::model::{ObjectId, RepoSlug};
use crate::workspace::WorkspaceError;

/// Of one fetch: a large repository over a slow line, but not for ever.
const FETCH_LIMIT: Duration = Duration::from_mins(5);

/// Objects larger than this cannot be read; a file of that size is no source file.
const OBJECT_LIMIT: usize = 512 << 20;

/// Where a repository is fetched from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) slug: &'a RepoSlug,
    pub(super) address: &'a str,
    pub(super) tokens: Option<&'a dyn Tokens>,
}

/// Returns the pristine repository with the commit in it.
pub(super) async fn fetch(cache: &Path, source: &Source<'_>, commit: &ObjectId) -> Result<Git, WorkspaceError> {
    let Source { slug, address, .. } = *source;
    let sha256 = commit.as_str().len() == 64;
    let folder = folder_of(cache, slug, sha256);
    let git = Git::new(&folder).with_output_limit(OBJECT_LIMIT);
    if !(folder.join("HEAD").is_file() && is_there(&git, commit).await?) {
        let transport = transport_of(slug, address)?;
        let _turn = take_turn(&folder).await?;
        create(&folder, sha256).await?;
        if !is_there(&git, commit).await? {
            let remote = git.clone().allowing(transport).with_time_limit(FETCH_LIMIT);
            bring(&with_token(remote, source, transport).await?, slug, address, commit).await?;
        }
    }
    verify(&git, slug, commit).await?;
    Ok(git)
}

/// Lets git ask for the token of this repository, where there is one and the server is asked over HTTP.
async fn with_token(git: Git, source: &Source<'_>, transport: Transport) -> Result<Git, WorkspaceError> {
    let Some(tokens) = source.tokens.filter(|_| matches!(transport, Transport::Https | Transport::Http)) else {
        return Ok(git);
    };
    let Some(token) = tokens.token(source.slug).await.map_err(WorkspaceError::Machine)? else { return Ok(git) };
    let program = std::env::current_exe()
        .map_err(|e| WorkspaceError::Machine(format!("This program's own file cannot be found: {e}.")))?;
    Ok(git.answering(&program, host_of(source.address), &token))
}

/// Returns the host of an address, with its port where it has one.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

fn folder_of(cache: &Path, slug: &RepoSlug, sha256: bool) -> PathBuf {
    let format = if sha256 { ".sha256" } else { "" };
    cache.join(slug.owner()).join(format!("{}{format}.git", slug.name()))
}

/// Waits until nobody else, in this program or another, changes the pristine repository; dropping the file gives it on.
async fn take_turn(folder: &Path) -> Result<File, WorkspaceError> {
    let path = beside(folder, ".lock");
    let take = move || -> std::io::Result<File> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let file = File::create(path)?;
        file.lock()?;
        Ok(file)
    };
    let shown = folder.display().to_string();
    let taken = tokio::task::spawn_blocking(take).await.map_err(std::io::Error::other).and_then(|outcome| outcome);
    taken.map_err(|e| WorkspaceError::Machine(format!("The pristine repository {shown} could not be locked: {e}.")))
}

/// Makes the repository if there is none, whole or not at all, and clears what a killed git left in it.
async fn create(folder: &Path, sha256: bool) -> Result<(), WorkspaceError> {
    let failed = |e: std::io::Error| {
        WorkspaceError::Machine(format!("The pristine repository {} could not be made: {e}.", folder.display()))
    };
    if folder.join("HEAD").is_file() {
        // The turn is ours, so nobody holds these.
        for stale in ["shallow.lock", "packed-refs.lock", "config.lock"] {
            match tokio::fs::remove_file(folder.join(stale)).await {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
                _ => {}
            }
        }
        return Ok(());
    }
    let draft = beside(folder, ".new");
    match tokio::fs::remove_dir_all(&draft).await {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    tokio::fs::create_dir_all(&draft).await.map_err(failed)?;
    let format = if sha256 { "--object-format=sha256" } else { "--object-format=sha1" };
    // Without a template there is neither a hook nor a description that somebody else wrote.
    Git::new(&draft).run(&["init", "--bare", "--quiet", "--template=", format]).await.map_err(machine)?;
    tokio::fs::rename(&draft, folder).await.map_err(failed)
}

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Returns the transport of an address, the only one that will be open (V-71).
fn transport_of(slug: &RepoSlug, address: &str) -> Result<Transport, WorkspaceError> {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    let transport = match scheme {
        Some("https") => Transport::Https,
        // Without encryption anybody on the way could choose what is tested.
        Some("http") if is_loopback(address) => Transport::Http,
        Some("ssh") => Transport::Ssh,
        Some("file") => Transport::File,
        None if !address.starts_with('-') && !address.contains("::") && !address.is_empty() => Transport::File,
        _ => {
            return Err(WorkspaceError::Missing(format!(
                "The address {:?} of {slug} is none that Homeostat fetches from; use https, ssh or a folder.",
                without_user(address)
            )));
        }
    };
    if transport == Transport::File && !Path::new(address.trim_start_matches("file://")).is_dir() {
        return Err(WorkspaceError::Missing(format!("The repository {slug} is not there: {address} is no folder.")));
    }
    Ok(transport)
}

async fn bring(git: &Git, slug: &RepoSlug, address: &str, commit: &ObjectId) -> Result<(), WorkspaceError> {
    let common = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
    let by_id = [&common[..], &["--depth=1", "--", address, commit.as_str()]].concat();
    match git.run(&by_id).await {
        Ok(_) => return Ok(()),
        Err(GitError::Failed { .. }) => {}
        Err(other) => return Err(unnamed(&other, address)),
    }
    // Some servers give only what a ref names.
    let by_refs = [&common[..], &["--", address, "+refs/heads/*:refs/pristine/*"]].concat();
    match git.run(&by_refs).await {
        Ok(_) => Ok(()),
        Err(GitError::Failed { message, .. }) => Err(WorkspaceError::Missing(format!(
            "The repository {slug} could not be fetched from {}: {}.",
            without_user(address),
            message.replace(address, &without_user(address))
        ))),
        Err(other) => Err(unnamed(&other, address)),
    }
}

/// Returns an address without the user and password that it may hold.
fn without_user(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let host_end = rest.find('/').unwrap_or(rest.len());
            let host_start = rest[..host_end].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[host_start..])
        }
        None => address.to_owned(),
    }
}

fn is_loopback(address: &str) -> bool {
    let shown = without_user(address);
    let host = shown.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(n, _)| n);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Says that git failed, without naming a secret of the address.
fn unnamed(error: &GitError, address: &str) -> WorkspaceError {
    WorkspaceError::Machine(format!("{}.", error.to_string().replace(address, &without_user(address))))
}

async fn is_there(git: &Git, commit: &ObjectId) -> Result<bool, WorkspaceError> {
    git.exists(commit.as_str()).await.map_err(machine)
}

async fn verify(git: &Git, slug: &RepoSlug, commit: &ObjectId) -> Result<(), WorkspaceError> {
    if !is_there(git, commit).await? {
        return Err(WorkspaceError::Missing(format!(
            "The repository {slug} has no commit {commit}; it may be empty, or the commit may be gone."
        )));
    }
    // A tag or tree of that id would peel to something else, or to nothing.
    let peeled = format!("{commit}^{{commit}}");
    match git.run_text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]).await {
        Ok(found) if found == commit.as_str() => Ok(()),
        Ok(found) => Err(WorkspaceError::Mismatch(format!("{commit} of {slug} is not a commit but names {found}."))),
        Err(GitError::Failed { .. }) => Err(WorkspaceError::Mismatch(format!("{commit} of {slug} is not a commit."))),
        Err(other) => Err(machine(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_71_addresses_that_run_programs_are_refused() {
        let slug: RepoSlug = "o/n".parse().expect("a slug");
        for bad in
            ["ext::sh -c x", "--upload-pack=x", "", "git://host/x", "ftp://x/y", "/no/such/folder", "http://host/x"]
        {
            assert!(matches!(transport_of(&slug, bad), Err(WorkspaceError::Missing(_))), "{bad:?}");
        }
        assert!(matches!(transport_of(&slug, "https://host/o/n.git"), Ok(Transport::Https)));
        assert!(matches!(transport_of(&slug, "/"), Ok(Transport::File)));
        for local in ["http://localhost/o", "http://127.0.0.1:8080/o", "http://u@[::1]:80/o"] {
            assert!(matches!(transport_of(&slug, local), Ok(Transport::Http)), "{local}");
        }
        assert!(transport_of(&slug, "http://localhost@evil/o").is_err());
    }

    #[test]
    fn a_password_in_an_address_is_never_repeated() {
        let address = "https://me:hunter2@host/o/n.git";
        assert_eq!(without_user(address), "https://host/o/n.git");
        assert_eq!(without_user("/a@b/c"), "/a@b/c");
        let slug: RepoSlug = "o/n".parse().expect("a slug");
        let refused = transport_of(&slug, "ftp://me:hunter2@host/o/n").expect_err("a refusal");
        assert!(!refused.to_string().contains("hunter2"));
    }
}
