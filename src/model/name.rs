//! Names that are legal by construction: repositories, branches, git objects. Layer 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is no `owner/name`.
    #[error("{0:?} is not a repository: write owner/name with letters, digits, '.', '-' and '_'")]
    Slug(String),
    /// The text is no branch name that git and every forge accept.
    #[error("{0:?} is not a branch name that git and every forge accept")]
    Branch(String),
    /// The text is no full object id.
    #[error("{0:?} is not a full git object id (40 or 64 hexadecimal digits)")]
    Object(String),
    /// The text is no model of a provider.
    #[error("{0:?} is not a model: write provider/name")]
    Model(String),
}

/// A repository's `owner/name`; compares case-sensitively, as written in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RepoSlug {
    owner: String,
    name: String,
}

impl RepoSlug {
    /// Returns the owner, a user or an organisation.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns the repository's own name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for RepoSlug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NameError::Slug(text.chars().take(120).collect());
        let (owner, name) = text.split_once('/').ok_or_else(refuse)?;
        let owner_ok = (1..=39).contains(&owner.len())
            && owner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !owner.starts_with('-');
        let name_ok = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
            && !name.starts_with('-')
            && name != "."
            && name != ".."
            && !name.to_ascii_lowercase().ends_with(".git");
        if owner_ok && name_ok { Ok(Self { owner: owner.to_owned(), name: name.to_owned() }) } else { Err(refuse()) }
    }
}

impl TryFrom<String> for RepoSlug {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RepoSlug> for String {
    fn from(slug: RepoSlug) -> Self {
        slug.to_string()
    }
}

impl fmt::Display for RepoSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// A branch name that git, a shell and every forge accept without quoting (V-70).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct BranchName(String);

impl BranchName {
    /// Returns the name without `refs/heads/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the full name of the ref.
    pub fn as_ref_name(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for BranchName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let component_ok = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['-', '.'])
                && !part.ends_with('.')
                && !part.to_ascii_lowercase().ends_with(".lock")
        };
        let legal = (1..=200).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-' | b'+' | b'#'))
            && !text.contains("..")
            && text.split('/').all(component_ok)
            && text != "HEAD";
        if legal { Ok(Self(text.to_owned())) } else { Err(NameError::Branch(text.chars().take(120).collect())) }
    }
}

impl TryFrom<String> for BranchName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BranchName> for String {
    fn from(name: BranchName) -> Self {
        name.0
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A full git object id, lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^([0-9a-f]{40}|[0-9a-f]{64})$"))]
pub struct ObjectId(String);

impl ObjectId {
    /// Returns the hexadecimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl FromStr for ObjectId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if legal {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::Object(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for ObjectId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model as `provider/name`; the provider is a name of the configuration, the rest is the provider's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ModelName {
    provider: String,
    name: String,
}

impl ModelName {
    /// Returns the provider.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the model's name as its provider knows it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for ModelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NameError::Model(text.chars().take(120).collect());
        let (provider, name) = text.split_once('/').ok_or_else(refuse)?;
        let provider_ok = (1..=39).contains(&provider.len())
            && provider.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        // Providers that route to others have names with a slash and a colon in them.
        let name_ok = (1..=128).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b':'));
        if provider_ok && name_ok {
            Ok(Self { provider: provider.to_owned(), name: name.to_owned() })
        } else {
            Err(refuse())
        }
    }
}

impl TryFrom<String> for ModelName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ModelName> for String {
    fn from(model: ModelName) -> Self {
        model.to_string()
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_70_branch_names_that_git_would_take_for_options_are_refused() {
        for bad in ["--upload-pack=touch x", "a/-b", "a..b", "a//b", "/a", "a/", "a.lock", "a@{1}", "a b", "", "HEAD"] {
            assert!(bad.parse::<BranchName>().is_err(), "{bad:?}");
        }
        for good in ["main", "release/1.2", "homeostat/abcdefghijklmnop-2", "feat/issue#12"] {
            assert_eq!(good.parse::<BranchName>().map(|b| b.to_string()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn v_71_slugs_that_are_urls_or_paths_are_refused() {
        for bad in ["ext::sh -c x", "a/b/c", "../x", "a/..", "-a/b", "a/-b", "a/b.git", "a", "a/ b"] {
            assert!(bad.parse::<RepoSlug>().is_err(), "{bad:?}");
        }
        assert_eq!("owner/app.js".parse::<RepoSlug>().map(|s| s.name().to_owned()), Ok("app.js".to_owned()));
    }
}
