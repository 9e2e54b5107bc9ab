//! Who may cause work (REFERENCE.md, Trusted report). Layer 1.

use crate::model::{Actor, ActorKind, Permission, Policy, Reason, Timestamp};

/// A trigger label put on, as the issue's timeline tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelEvent {
    /// The label.
    pub label: String,
    /// What its actor may do; `None` where the forge did not say.
    pub permission: Option<Permission>,
    /// The actor's id, for `trusted_authors`.
    pub actor: Option<u64>,
    /// When.
    pub at: Timestamp,
}

/// What is known about a report's author and its labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustFacts<'a> {
    /// The author; `None` on a local forge, where a report without one is the owner's.
    pub author: Option<&'a Actor>,
    /// What the author may do; `None` where the forge did not say.
    pub permission: Option<Permission>,
    /// Who this token acts as: what it wrote itself is never work.
    pub ourselves: Option<u64>,
    /// Labels put on, in any order.
    pub labeled: Vec<LabelEvent>,
    /// When the text last changed.
    pub edited_at: Option<Timestamp>,
}

/// Returns the opt-out that a label expresses.
pub fn opted_out(labels: &[String]) -> Option<Reason> {
    labels.iter().any(|label| label.eq_ignore_ascii_case("do-not-fix")).then_some(Reason::DoNotFix)
}

/// Decides whether an account's word is a person's word (PROTOCOL.md, 2): at least write access, and whatever more `trust`
/// asks for. Nobody's is the owner's, on a forge of their own.
///
/// # Errors
/// [`Reason::SelfAuthored`], [`Reason::UntrustedAuthor`] for bots and for whoever may not, or [`Reason::PermissionUnknown`].
pub fn may_command(
    actor: Option<&Actor>,
    ourselves: Option<u64>,
    permission: Option<Permission>,
    policy: &Policy,
) -> Result<(), Reason> {
    let Some(actor) = actor else { return Ok(()) };
    if ourselves == Some(actor.id) {
        return Err(Reason::SelfAuthored);
    }
    match permission {
        _ if actor.kind == ActorKind::Bot => Err(Reason::UntrustedAuthor),
        None => Err(Reason::PermissionUnknown),
        Some(permission) if permission >= policy.trust.max(Permission::Write) => Ok(()),
        Some(_) => Err(Reason::UntrustedAuthor),
    }
}

/// Decides whether a report may cause work.
///
/// # Errors
/// [`Reason::SelfAuthored`], [`Reason::UntrustedAuthor`], or [`Reason::PermissionUnknown`] where nobody would say: unknown
/// counts as no (P-13, V-04).
pub fn trusted(facts: &TrustFacts<'_>, policy: &Policy) -> Result<(), Reason> {
    let Some(author) = facts.author else { return Ok(()) };
    if facts.ourselves == Some(author.id) {
        return Err(Reason::SelfAuthored);
    }
    let enough = |permission: Option<Permission>| permission.is_some_and(|p| p >= policy.trust);
    let named = |id: u64| policy.trusted_authors.contains(&id);
    if named(author.id) || enough(facts.permission) {
        return Ok(());
    }
    let vouched = facts.labeled.iter().any(|event| {
        policy.trigger_labels.iter().any(|label| label.eq_ignore_ascii_case(&event.label))
            && facts.edited_at.is_none_or(|edited| event.at > edited)
            && (enough(event.permission) || event.actor.is_some_and(named))
    });
    match (vouched, facts.permission) {
        (true, _) => Ok(()),
        (false, None) => Err(Reason::PermissionUnknown),
        (false, Some(_)) => Err(Reason::UntrustedAuthor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::built_in("o/r".parse().expect("legal"))
    }

    fn actor(id: u64) -> Actor {
        Actor { id, login: format!("user{id}"), kind: ActorKind::User }
    }

    fn label(at: i64, permission: Option<Permission>) -> LabelEvent {
        LabelEvent { label: "robot".to_owned(), permission, actor: Some(9), at: Timestamp::from_millis(at) }
    }

    #[test]
    fn v_01_an_author_without_write_access_causes_no_work() {
        let author = actor(5);
        let facts = TrustFacts { author: Some(&author), permission: Some(Permission::Read), ..TrustFacts::default() };
        assert_eq!(trusted(&facts, &policy()), Err(Reason::UntrustedAuthor));
    }

    #[test]
    fn v_03_a_label_vouches_only_for_text_that_is_not_edited_afterwards() {
        let author = actor(5);
        let mut facts = TrustFacts {
            author: Some(&author),
            permission: Some(Permission::None),
            labeled: vec![label(100, Some(Permission::Write))],
            edited_at: Some(Timestamp::from_millis(50)),
            ..TrustFacts::default()
        };
        assert_eq!(trusted(&facts, &policy()), Ok(()));
        facts.edited_at = Some(Timestamp::from_millis(101));
        assert_eq!(trusted(&facts, &policy()), Err(Reason::UntrustedAuthor));
    }

    #[test]
    fn v_04_a_permission_that_nobody_will_tell_counts_as_no() {
        let author = actor(5);
        let facts = TrustFacts { author: Some(&author), labeled: vec![label(1, None)], ..TrustFacts::default() };
        assert_eq!(trusted(&facts, &policy()), Err(Reason::PermissionUnknown));
    }

    #[test]
    fn v_06_what_we_wrote_ourselves_is_never_work() {
        let author = actor(5);
        let facts = TrustFacts {
            author: Some(&author),
            permission: Some(Permission::Admin),
            ourselves: Some(5),
            ..TrustFacts::default()
        };
        assert_eq!(trusted(&facts, &policy()), Err(Reason::SelfAuthored));
    }

    #[test]
    fn a_report_without_author_is_the_owners_and_a_named_author_needs_no_permission() {
        assert_eq!(trusted(&TrustFacts::default(), &policy()), Ok(()));
        let (author, mut policy) = (actor(77), policy());
        policy.trusted_authors = vec![77];
        assert_eq!(trusted(&TrustFacts { author: Some(&author), ..TrustFacts::default() }, &policy), Ok(()));
    }

    #[test]
    fn v_05_a_command_is_a_persons_with_write_access_and_never_ours_a_bots_or_an_unknowns() {
        let (person, mut policy) = (actor(5), policy());
        let bot = Actor { kind: ActorKind::Bot, ..actor(6) };
        let asks = |who: &Actor, permission, policy: &Policy| may_command(Some(who), Some(9), permission, policy);
        assert_eq!(asks(&person, Some(Permission::Write), &policy), Ok(()));
        assert_eq!(asks(&person, Some(Permission::Triage), &policy), Err(Reason::UntrustedAuthor));
        assert_eq!(asks(&person, None, &policy), Err(Reason::PermissionUnknown));
        assert_eq!(asks(&bot, Some(Permission::Admin), &policy), Err(Reason::UntrustedAuthor));
        assert_eq!(asks(&actor(9), Some(Permission::Admin), &policy), Err(Reason::SelfAuthored));
        assert_eq!(may_command(None, Some(9), None, &policy), Ok(()), "the owner of a forge in a folder");
        policy.trust = Permission::Triage;
        assert_eq!(asks(&person, Some(Permission::Triage), &policy), Err(Reason::UntrustedAuthor));
        policy.trust = Permission::Maintain;
        assert_eq!(asks(&person, Some(Permission::Write), &policy), Err(Reason::UntrustedAuthor));
    }

    #[test]
    fn the_opt_out_label_wins_in_any_case() {
        assert_eq!(opted_out(&["Do-Not-Fix".to_owned()]), Some(Reason::DoNotFix));
        assert_eq!(opted_out(&["robot".to_owned()]), None);
    }
}
