//! What the section about models can get wrong: names, addresses, and models that nobody provides. Layer 1.
//!
//! Only letters are looked at; whether a server is there, and where its name leads, is found out by whoever connects.

use crate::config::check::Found;
use crate::config::keys::Names;
use crate::config::problem::{ProblemCode, Problems, nearest, shown};
use crate::config::settings::Config;
use crate::model::{ModelName, Tier};

/// Says what is wrong with the name of a table.
pub(super) fn check_name(name: &str, names: Names) -> Result<(), String> {
    match names {
        Names::Own if format!("{name}/x").parse::<ModelName>().is_err() => {
            Err("A provider's name has small letters, digits, '-' and '_' alone.".to_owned())
        }
        Names::Models if name.parse::<ModelName>().is_err() => {
            Err("This is no model; write provider/name, such as openai/gpt-5.".to_owned())
        }
        Names::Tiers if name.parse::<Tier>().is_err() => {
            let all: Vec<&str> = Tier::ALL.iter().map(|tier| tier.as_str()).collect();
            Err(format!("There is no such tier; there are {}.", all.join(", ")))
        }
        _ => Ok(()),
    }
}

/// Returns the keys that a table must have.
pub(super) const fn required_of(names: Names) -> &'static [&'static str] {
    match names {
        Names::Own => &[],
        Names::Models => &["input", "output"],
        Names::Tiers => &["model"],
    }
}

/// Says what is wrong with a provider's address, as far as its letters tell; whoever connects looks at where it leads (V-104).
pub(super) fn check_address(text: &str) -> Result<(), String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, port)| if port.bytes().all(|b| b.is_ascii_digit()) { host } else { authority });
    let loopback = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
    if authority.contains('@') || rest.contains(['?', '#']) {
        return Err("An address has no user, no query and no fragment; keys come from the environment.".to_owned());
    }
    if host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("{} is no address; write https://models.example/v1, say.", shown(text)));
    }
    match scheme {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err("Plain HTTP is for a model on this machine alone; write https://.".to_owned()),
        _ => Err(format!("{} is no address; write https://models.example/v1, say.", shown(text))),
    }
}

/// Checks that every model that is to be asked has a provider.
pub(super) fn check_models(config: &Config, top: &[Found], problems: &mut Problems, warnings: &mut Vec<String>) {
    let Some(tiers) = top.iter().find(|found| found.key == "ai.tiers") else { return };
    for (tier, models) in &config.ai.tiers {
        for (key, model) in [("model", Some(&models.model)), ("reviewer", models.reviewer.as_ref())] {
            let Some(provider) = model.map(ModelName::provider) else { continue };
            if config.ai.providers.contains_key(provider) {
                continue;
            }
            let message = match nearest(provider, config.ai.providers.keys().map(String::as_str)) {
                Some(near) => format!("No provider has the name {}; did you mean `{near}`?", shown(provider)),
                None => format!("No provider has the name {}; add it to `ai.providers`.", shown(provider)),
            };
            problems.add(tiers.place, format!("ai.tiers.{tier}.{key}"), ProblemCode::ImpossibleValue, message);
        }
    }
    if !config.ai.tiers.is_empty() {
        warnings.push(format!(
            "{}:{}:{}: ai.tiers: This version asks no model yet; `homeostat cost` reckons with them.",
            problems.file, tiers.place.line, tiers.place.column
        ));
    }
}
