//! Tokens that an App makes: one for each owner, for this run's repositories, anew before it ends. Layer 3.
//!
//! Refuses to make one for an owner that the run has no repository of, and to ask a second time for what was refused.

use std::sync::atomic::Ordering;

use http::Method;

use super::auth::Minted;
use super::classify::{Meaning, Operation};
use super::client::{Ask, Client, ORDINARY, decode, failed, hush, meaning_of};
use super::governor::Account;
use super::shapes;
use super::transport::{Incoming, Keep, Outgoing};
use crate::forge::{ForgeError, ForgeResult};
use crate::model::Secret;

impl Client {
    /// Returns the token for an owner's repositories.
    pub(super) async fn token(&self, owner: &str) -> ForgeResult<Secret> {
        if self.refused.load(Ordering::Relaxed) {
            return Err(self.unauthorised("the token was refused"));
        }
        if let Some(token) = self.credentials.fixed() {
            return Ok(token.clone());
        }
        let owner = match owner.to_ascii_lowercase() {
            // What concerns no owner is asked with any installation's token.
            none if none.is_empty() => self.repositories.keys().next().cloned().unwrap_or_default(),
            some => some,
        };
        let mut minted = self.minted.lock().await;
        if let Some(known) = minted.get(&owner).filter(|known| known.is_fresh(self.governor.time())) {
            return Ok(known.token.clone());
        }
        let fresh = self.mint(&owner).await?;
        let token = fresh.token.clone();
        minted.insert(owner, fresh);
        Ok(token)
    }

    /// Lets go of a token that the server refused, unless another request has replaced it already.
    pub(super) async fn forget_token(&self, owner: &str, token: &Secret) {
        let mut minted = self.minted.lock().await;
        minted.retain(|_, known| known.token != *token);
        tracing::debug!(owner, "the installation's token was refused; a new one is made");
    }

    /// Makes a token for an owner's repositories of this run.
    async fn mint(&self, owner: &str) -> ForgeResult<Minted> {
        let Some(repositories) = self.repositories.get(owner).filter(|list| !list.is_empty()) else {
            return Err(ForgeError::Denied(format!(
                "this run has no repository of {owner}, so no token is made for it"
            )));
        };
        let what = format!("finding the App's installation for {owner}");
        let url = self.address.of(&format!("/repos/{}/installation", repositories[0]));
        let answer = self.as_app(&Ask::read(url, &what)).await.map_err(|error| match error {
            ForgeError::NotFound(_) => ForgeError::Denied(format!("the App is not installed for {}", repositories[0])),
            other => other,
        })?;
        let installation: shapes::Identified = decode(Operation::Read, &what, &answer)?;
        let url = self.address.of(&format!("/app/installations/{}/access_tokens", installation.id));
        let what = format!("making a token for {owner}");
        let ask =
            |whole: bool| Ask::write(Method::POST, url.clone(), &self.credentials.wish(repositories, whole), &what);
        let answer = match self.as_app(&ask(true)).await {
            // An installation that never granted what only some sources of reports need is good enough for the rest.
            Err(ForgeError::Invalid(_)) => match self.as_app(&ask(false)).await {
                Err(ForgeError::Invalid(why)) => Err(ForgeError::Denied(why)),
                other => other,
            },
            other => other,
        };
        let answer = answer.map_err(|error| match error {
            // A token too many hurts nobody.
            ForgeError::Ambiguous(why) => ForgeError::Transient(why),
            other => other,
        })?;
        let token: shapes::InstallationToken = decode(Operation::Read, &what, &answer)?;
        Ok(Minted { token: Secret::new(token.token), ends: token.expires_at.0 })
    }

    /// Sends a request as the App itself; a clock that was wrong is put right by the first answer.
    pub(super) async fn as_app(&self, ask: &Ask) -> ForgeResult<Incoming> {
        let account = Account { bucket: "app".to_owned(), owner: String::new() };
        for last in [false, true] {
            let signed = self.credentials.assertion(self.governor.time());
            let assertion = match signed {
                Some(Ok(assertion)) => assertion,
                Some(Err(why)) => return Err(ForgeError::Denied(why)),
                None => return Err(ForgeError::Denied("this token is no App's".to_owned())),
            };
            let outgoing = Outgoing {
                method: ask.method.clone(),
                url: &ask.url,
                token: Some(&assertion),
                etag: None,
                body: ask.body.as_deref(),
                keep: Keep::All(ORDINARY),
            };
            let answer = self.transport.send(&outgoing).await;
            let answer = answer.map_err(|failure| failed(ask.operation, &ask.what, failure))?;
            self.governor.hear(&account, &answer.headers);
            match meaning_of(ask, &answer) {
                Meaning::Good => return Ok(answer),
                Meaning::Unauthorised(_) if !last => {}
                Meaning::Unauthorised(why) => {
                    return Err(hush(ForgeError::Denied(format!("bad-credentials: {why}")), &assertion));
                }
                Meaning::Moved => return Err(ForgeError::NotFound(format!("{}: it moved", ask.what))),
                Meaning::Limited(limit) => {
                    self.governor.limited(&account, limit, &answer.headers);
                    return Err(ForgeError::RateLimited { until: self.governor.until(&account) });
                }
                Meaning::Bad(error) => return Err(hush(error, &assertion)),
            }
        }
        Err(ForgeError::Denied("bad-credentials".to_owned()))
    }
}
