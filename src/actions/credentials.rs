//! Credentials that a checkout left behind, where tests could read them (THREATS.md, V-74). Layer 5.

/// Returns what a repository's `.git/config` keeps that opens the forge, in words; nothing where it keeps none.
///
/// `actions/checkout` writes a header into it, or, since its sixth version, the path of a file that has one; git itself
/// takes a password in an address.
pub fn persisted(config: &str) -> Option<&'static str> {
    config.lines().map(str::trim).find_map(|line| {
        let (key, value) = line.split_once('=').map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
        let key = key.to_ascii_lowercase();
        let lower = value.to_ascii_lowercase();
        let header = key == "extraheader" && lower.contains("authorization");
        let included = key == "path" && lower.contains("git-credentials-");
        let address = (key == "url" || key == "pushurl") && has_password(value);
        // The part of a section's name can be an address too: [url "https://name:word@host/"].
        let section = line.starts_with("[url ") && has_password(line.split('"').nth(1).unwrap_or_default());
        if header {
            Some("a header with a token")
        } else if included {
            Some("the path of a file with a token")
        } else if address || section {
            Some("an address with a password")
        } else {
            None
        }
    })
}

/// Returns whether an address has a name and a password before its host.
fn has_password(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, word)| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_74_a_token_that_the_checkout_left_is_found_in_each_of_its_forms() {
        let header = "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic eDp5\n";
        let path = "[includeIf \"gitdir:/w/.git\"]\n\tpath = /tmp/git-credentials-1f.config\n";
        let url = "[remote \"origin\"]\n\turl = https://x-access-token:abc@github.com/acme/app.git\n";
        let section = "[url \"https://u:p@github.com/\"]\n\tinsteadOf = https://github.com/\n";
        for config in [header, path, url, section] {
            assert!(persisted(config).is_some(), "{config}");
        }
    }

    #[test]
    fn a_plain_checkout_keeps_nothing() {
        let plain = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://github.com/acme/app\n\tfetch = +refs/*:refs/*\n\
                     [remote \"ssh\"]\n\turl = ssh://git@github.com/acme/app\n[includeIf \"gitdir:~/w/\"]\n\tpath = ~/work.inc\n";
        assert_eq!(persisted(plain), None);
        assert_eq!(persisted(""), None);
    }
}
