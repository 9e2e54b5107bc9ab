//! The runner against a real git in throw-away folders.

#![expect(clippy::disallowed_methods, reason = "tests make their own throw-away folders")]

use std::time::Duration;

use super::*;

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn repository() -> Result<(tempfile::TempDir, Git), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let git = Git::new(folder.path().join("r.git"));
    git.run(&["init", "--bare", "--quiet"]).await?;
    Ok((folder, git))
}

#[tokio::test]
async fn objects_go_in_and_come_back_with_the_ids_of_git() -> Outcome {
    let (_folder, git) = repository().await?;
    let out = git.run_with_input(&["hash-object", "-w", "--stdin"], b"hello\n").await?;
    assert_eq!(String::from_utf8(out)?.trim(), "ce013625030ba8dba906f756967f9e9ca394464a");
    assert!(git.exists("ce013625030ba8dba906f756967f9e9ca394464a").await?);
    assert!(!git.exists("ce013625030ba8dba906f756967f9e9ca394464b").await?);
    let mut reader = CatFile::start(&git)?;
    let found =
        reader.read(&["ce013625030ba8dba906f756967f9e9ca394464a", "0000000000000000000000000000000000000001"]).await?;
    assert_eq!(found, vec![Some(GitObject { kind: "blob".into(), data: b"hello\n".to_vec() }), None]);
    Ok(())
}

#[tokio::test]
async fn the_version_is_at_least_the_one_that_knows_explicit_bare_repositories() -> Outcome {
    assert!(Git::new("/nowhere").version().await? >= Git::MINIMUM);
    Ok(())
}

#[tokio::test]
async fn a_failure_says_what_was_attempted_on_what() -> Outcome {
    let (folder, git) = repository().await?;
    let message = git.run(&["rev-parse", "--verify", "refs/heads/none"]).await.err().ok_or("it succeeded")?.to_string();
    assert!(message.contains("rev-parse --verify refs/heads/none"), "{message}");
    let place = folder.path().join("r.git");
    assert!(message.contains(&place.display().to_string()), "{message}");
    let missing = Git::new(folder.path().join("none.git")).run(&["rev-parse", "HEAD"]).await;
    assert!(missing.is_err_and(|e| e.to_string().contains("none.git")));
    Ok(())
}

#[tokio::test]
async fn limits_of_time_and_output_stop_the_program() -> Outcome {
    let (_folder, git) = repository().await?;
    let small = git.clone().with_output_limit(10).run(&["help", "-a"]).await;
    assert!(matches!(small, Err(GitError::TooMuchOutput { limit: 10, .. })), "{small:?}");
    let hanging = git.with_config("alias.hang", "!sleep 60").with_time_limit(Duration::from_millis(50));
    let late = hanging.run(&["hang"]).await;
    assert!(matches!(late, Err(GitError::Timeout { .. })), "{late:?}");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn v_66_v_67_hooks_and_monitors_of_a_repository_never_run() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let (folder, git) = repository().await?;
    let canary = folder.path().join("canary");
    let script = format!("#!/bin/sh\ntouch '{}'\n", canary.display());
    for hook in ["reference-transaction", "post-index-change", "update", "pre-receive", "monitor"] {
        let path = git.dir().join("hooks").join(hook);
        std::fs::create_dir_all(git.dir().join("hooks"))?;
        std::fs::write(&path, &script)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    let config = format!(
        "[core]\n\tbare = true\n\trepositoryformatversion = 0\n\tfsmonitor = {0}\n\thooksPath = {1}\n\
         [diff]\n\texternal = {0}\n\tnoprefix = true\n",
        git.dir().join("hooks/monitor").display(),
        git.dir().join("hooks").display(),
    );
    std::fs::write(git.dir().join("config"), config)?;
    let blob = git.run_with_input(&["hash-object", "-w", "--stdin"], b"x").await?;
    let blob = String::from_utf8(blob)?.trim().to_owned();
    let tree = git.run_with_input(&["mktree"], format!("100644 blob {blob}\ta.txt\n").as_bytes()).await?;
    let tree = String::from_utf8(tree)?.trim().to_owned();
    let who = [("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "a")];
    let by = who.iter().fold(git.clone(), |git, (name, value)| git.with_env(name, *value));
    let commit = by.with_env("GIT_COMMITTER_EMAIL", "a@b").run_text(&["commit-tree", "-m", "m", &tree]).await?;
    git.run(&["update-ref", "refs/heads/main", &commit, ""]).await?;
    let work = folder.path().join("work");
    std::fs::create_dir(&work)?;
    let in_tree = git.clone().with_work_tree(&work);
    in_tree.run(&["read-tree", "main"]).await?;
    in_tree.run(&["checkout-index", "--all"]).await?;
    std::fs::write(work.join("a.txt"), "y")?;
    in_tree.run(&["status", "--porcelain"]).await?;
    let diff = String::from_utf8(in_tree.run(&["diff", "--no-ext-diff", "--no-textconv"]).await?)?;
    assert!(diff.contains("--- a/a.txt"), "V-61: the prefix is ours\n{diff}");
    assert!(!canary.exists());
    Ok(())
}

#[tokio::test]
async fn v_71_no_transport_is_open_unless_it_is_named() -> Outcome {
    let (folder, git) = repository().await?;
    let other = Git::new(folder.path().join("other.git"));
    other.run(&["init", "--bare", "--quiet"]).await?;
    let url = git.dir().display().to_string();
    assert!(other.run(&["ls-remote", "--", &url]).await.is_err_and(|e| e.to_string().contains("not allowed")));
    other.clone().allowing(Transport::File).run(&["ls-remote", "--", &url]).await?;
    let helper = other.allowing(Transport::File).run(&["ls-remote", "--", "ext::sh -c true"]).await;
    assert!(helper.is_err_and(|e| e.to_string().contains("not allowed")));
    Ok(())
}
