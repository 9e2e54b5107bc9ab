//! Issues, labels, comments, events, pages and permissions.

use super::*;

conforms!(numbers_are_shared_by_issues_and_pull_requests, |s| {
    let slug = s.slug.clone();
    let first = s.people.open_issue(&slug, &issue("one", &[])).await.expect("an issue");
    s.fix_branch("homeostat/x", "fixed\n").await;
    let second = s.forge.create_pull(&slug, &pull("homeostat/x")).await.expect("a pull request").number;
    let third = s.people.open_issue(&slug, &issue("three", &[])).await.expect("an issue");
    assert_eq!((first, second, third), (1, 2, 3));
    let issues = s.forge.issues(&slug, &IssueQuery::default(), None).await.expect("a list");
    assert_eq!(issues.items.iter().map(|i| i.number).collect::<Vec<_>>(), [1, 3], "pull requests are left out");
    assert!(s.forge.issue(&slug, 2).await.expect("the number").is_pull_request);
    assert!(matches!(s.forge.pull(&slug, 1).await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.issue(&slug, 9).await, Err(ForgeError::NotFound(_))));
});

conforms!(labels_must_exist_and_exist_once_whatever_their_case, |s| {
    let slug = s.slug.clone();
    s.people.open_issue(&slug, &issue("one", &[])).await.expect("an issue");
    let label = Label { name: "Homeostat: fix".into(), color: "00ff00".into(), description: "a fix, \"ours\"".into() };
    let missing = s.forge.add_labels(&slug, 1, std::slice::from_ref(&label.name)).await;
    assert!(matches!(missing, Err(ForgeError::Invalid(_))), "{missing:?}");
    s.forge.create_label(&slug, &label).await.expect("a label");
    let again = Label { name: "homeostat: FIX".into(), ..label.clone() };
    let twice = s.forge.create_label(&slug, &again).await;
    assert!(matches!(twice, Err(ForgeError::Conflict(_))), "{twice:?}");
    let odd = s.forge.create_label(&slug, &Label { color: "green".into(), name: "g".into(), ..label }).await;
    assert!(matches!(odd, Err(ForgeError::Invalid(_))), "{odd:?}");
    for _ in 0..2 {
        s.forge.add_labels(&slug, 1, &["HOMEOSTAT: fix".into()]).await.expect("labels");
    }
    let seen = s.forge.issue(&slug, 1).await.expect("an issue");
    assert_eq!(seen.labels, ["Homeostat: fix"]);
    s.forge.remove_label(&slug, 1, "none").await.expect("no error");
    s.forge.remove_label(&slug, 1, "homeostat: fix").await.expect("a removal");
    let events = s.forge.issue_events(&slug, 1, None).await;
    assert_eq!(s.note("events", events).expect("events").items.len(), 2, "each change once");
});

conforms!(events_tell_who_did_what_when, |s| {
    let slug = s.slug.clone();
    let number = s.people.open_issue(&slug, &issue("one", &["bug"])).await.expect("an issue");
    for step in 0..5 {
        s.clock.advance(Duration::from_mins(1));
        let done = match step {
            0 => s.people.label_as(&slug, number, "bob", "homeostat").await,
            1 => s.people.edit_issue(&slug, number, "alice", None, Some("New body")).await,
            2 => s.people.unlabel_as(&slug, number, "bob", "homeostat").await,
            3 => s.people.close_thread(&slug, number, "carol").await,
            _ => s.people.reopen_thread(&slug, number, "alice").await,
        };
        done.expect("an act");
    }
    let events = s.forge.issue_events(&slug, number, None).await.expect("events").items;
    // Ids of edits are each door's own.
    let told: Vec<_> = events.iter().map(|event| (&event.kind, &event.actor, event.at)).collect();
    s.log.push(format!("events: {told:?}"));
    let who: Vec<_> = events.iter().filter_map(|e| e.actor.as_ref()).map(|a| a.login.clone()).collect();
    assert_eq!(who, ["alice", "bob", "alice", "bob", "carol", "alice"]);
    let ids: std::collections::BTreeSet<_> = events.iter().map(|e| e.id).collect();
    assert_eq!(ids.len(), events.len());
    let seen = s.forge.issue(&slug, number).await.expect("an issue");
    assert!(seen.open && seen.updated_at == s.clock.now());
});

conforms!(
    lists_come_in_pages_whose_tokens_only_the_forge_can_make,
    Settings { page_size: 2, ..Settings::default() },
    |s| {
        let slug = s.slug.clone();
        for title in ["a", "b", "c", "d", "e"] {
            s.people.open_issue(&slug, &issue(title, &[])).await.expect("an issue");
            s.people.comment_as(&slug, 1, "bob", title).await.expect("a comment");
        }
        let mut token: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let page = s.forge.issues(&slug, &IssueQuery::default(), token.as_deref()).await.expect("a page");
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|i| i.title));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
        let comments = s.forge.comments(&slug, 1, None).await.expect("a page");
        let foreign = s.forge.issues(&slug, &IssueQuery::default(), comments.next.as_deref()).await;
        assert!(matches!(foreign, Err(ForgeError::Invalid(_))), "{foreign:?}");
        for made_up in ["2", "", "2.00000000", "zz.zz"] {
            let answer = s.forge.issues(&slug, &IssueQuery::default(), Some(made_up)).await;
            assert!(matches!(answer, Err(ForgeError::Invalid(_))), "{made_up:?} {answer:?}");
        }
    }
);

conforms!(issues_are_asked_for_by_label_state_and_time, |s| {
    let slug = s.slug.clone();
    s.people.open_issue(&slug, &issue("a", &["homeostat"])).await.expect("an issue");
    s.clock.advance(Duration::from_hours(1));
    let later = s.clock.now();
    s.people.open_issue(&slug, &issue("b", &["other"])).await.expect("an issue");
    s.people.open_issue(&slug, &issue("c", &["homeostat"])).await.expect("an issue");
    s.people.close_thread(&slug, 3, "alice").await.expect("a close");
    let queries = [
        (IssueQuery { label: Some("Homeostat".into()), ..IssueQuery::default() }, vec![1, 3]),
        (IssueQuery { open_only: true, ..IssueQuery::default() }, vec![1, 2]),
        (IssueQuery { since: Some(later), ..IssueQuery::default() }, vec![2, 3]),
    ];
    for (query, expected) in queries {
        let page = s.forge.issues(&slug, &query, None).await.expect("a page");
        assert_eq!(page.items.iter().map(|i| i.number).collect::<Vec<_>>(), expected, "{query:?}");
    }
    s.clock.advance(Duration::from_hours(1));
    s.people.comment_as(&slug, 1, "bob", "/homeostat retry").await.expect("a comment");
    let query = IssueQuery { since: Some(s.clock.now()), ..IssueQuery::default() };
    let page = s.forge.issues(&slug, &query, None).await.expect("a page");
    assert_eq!(page.items.len(), 1, "a comment is a change");
});

conforms!(f_50_a_locked_thread_denies_comments_and_only_ours_are_edited, |s| {
    let slug = s.slug.clone();
    s.people.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    let theirs = s.people.comment_as(&slug, 1, "bob", "mine").await.expect("a comment");
    let ours = s.forge.create_comment(&slug, 1, "---\nauthor: nobody\n---\nours\n").await.expect("a comment");
    let denied = s.forge.edit_comment(&slug, theirs.id, "changed").await;
    assert!(matches!(denied, Err(ForgeError::Denied(_))), "{denied:?}");
    s.forge.edit_comment(&slug, ours.id, "ours, edited").await.expect("an edit");
    assert!(matches!(s.forge.edit_comment(&slug, 77, "x").await, Err(ForgeError::NotFound(_))));
    assert!(matches!(s.forge.create_comment(&slug, 1, " ").await, Err(ForgeError::Invalid(_))));
    s.people.set_locked(&slug, 1, true).await.expect("a lock");
    let locked = s.forge.create_comment(&slug, 1, "x").await;
    assert!(matches!(locked, Err(ForgeError::Denied(_))), "{locked:?}");
    let comments = s.forge.comments(&slug, 1, None).await;
    let comments = s.note("comments", comments).expect("comments").items;
    assert_eq!(comments.iter().map(|c| c.body.as_str()).collect::<Vec<_>>(), ["mine", "ours, edited"]);
});

conforms!(an_issue_of_ours_is_filed_as_ours, |s| {
    let slug = s.slug.clone();
    s.people.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    let made = s.forge.create_issue(&slug, "Homeostat", "---\nauthor: nobody\n---\nours\n").await;
    let made = made.expect("an issue");
    let us = s.forge.identity().await.expect("us");
    assert_eq!((made.number, made.author.map(|author| author.id), made.open), (2, Some(us.id), true));
    let seen = s.forge.issue(&slug, 2).await.expect("it");
    s.note("labels", Ok::<_, ForgeError>(seen.labels.clone())).expect("it was read");
    assert_eq!((seen.title.as_str(), seen.labels.len()), ("Homeostat", 0));
    assert!(matches!(s.forge.create_issue(&slug, " ", "x").await, Err(ForgeError::Invalid(_))));
});

conforms!(a_reaction_is_put_on_a_comment_once_and_changes_nothing_else, |s| {
    let slug = s.slug.clone();
    s.people.open_issue(&slug, &issue("a", &[])).await.expect("an issue");
    let theirs = s.people.comment_as(&slug, 1, "bob", "---\nauthor: nobody\n---\n/homeostat fix\n").await;
    let theirs = theirs.expect("a comment");
    let before = s.forge.issue(&slug, 1).await.expect("an issue");
    s.clock.advance(Duration::from_mins(1));
    for reaction in [Reaction::Eyes, Reaction::Rocket, Reaction::Eyes] {
        s.forge.react(&slug, theirs.id, reaction).await.expect("a reaction");
    }
    assert!(matches!(s.forge.react(&slug, 77, Reaction::Eyes).await, Err(ForgeError::NotFound(_))));
    let comments = s.forge.comments(&slug, 1, None).await;
    assert_eq!(s.note("comments", comments).expect("comments").items, [theirs], "text and author are as they were");
    assert_eq!(s.forge.issue(&slug, 1).await.expect("an issue"), before);
    let world = s.people.world(&slug).await.expect("a world");
    let seen: Vec<_> = world.threads[0].comments[0].reactions.iter().map(|one| one.as_str()).collect();
    assert_eq!(seen, ["eyes", "rocket"]);
});

conforms!(permissions_are_by_identity_and_not_by_login, |s| {
    let slug = s.slug.clone();
    s.people.set_permission(&slug, "bob", Permission::Write).await.expect("a permission");
    s.people.set_permission(&slug, "no", Permission::Triage).await.expect("a permission");
    let us = s.forge.identity().await.expect("an identity");
    let cases = [
        (actor("owner"), Permission::Admin),
        (actor("bob"), Permission::Write),
        (actor("no"), Permission::Triage),
        (us, Permission::Write),
        (actor("stranger"), Permission::Read),
        (homeostat::model::Actor { login: "bob".into(), ..actor("mallory") }, Permission::Read),
    ];
    for (who, expected) in cases {
        // GitHub is asked by login: who is not the account behind it may do nothing.
        let taken_over = s.over_http() && actor(&who.login).id != who.id;
        let expected = if taken_over { Permission::None } else { expected };
        assert_eq!(s.forge.permission(&slug, &who).await, Ok(expected), "{who:?}");
    }
});
