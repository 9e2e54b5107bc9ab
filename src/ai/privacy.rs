//! Which provider may read what. Layer 1.
//!
//! Every file has a class, every provider a ceiling; a prompt is as private as its most private part, and a provider
//! below that is not asked. Refuses to lower a class: of several globs that fit, the most private one counts.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::{DataClass, RepoPath};

/// Files that only approved providers may read, whatever an operator says of the rest: what guards doors, money and
/// machines.
const RESTRICTED: &[&str] = &[
    "**/auth/**",
    "**/*auth*.*",
    "**/*login*.*",
    "**/*passw*",
    "**/*session*.*",
    "**/*crypt*",
    "**/*payment*",
    "**/payment*/**",
    "**/*billing*",
    "**/*secret*",
    "**/*credential*",
    "**/*token*.*",
    "**/*.tf",
    "**/*.tfvars",
    "**/terraform/**",
    "**/helm/**",
    "**/k8s/**",
    "**/kubernetes/**",
    "**/ansible/**",
    "**/infra/**",
    "**/infrastructure/**",
    "**/docker-compose*",
    "**/Dockerfile*",
];

/// Files that leave the machine under no name.
const NEVER: &[&str] = &[
    "**/.env",
    "**/.env.*",
    "**/*.pem",
    "**/*.key",
    "**/*.p12",
    "**/*.pfx",
    "**/*.jks",
    "**/*.keystore",
    "**/id_rsa*",
    "**/id_ed25519*",
    "**/.npmrc",
    "**/.pypirc",
    "**/.netrc",
    "**/.git-credentials",
    "**/kubeconfig*",
    "**/.aws/**",
    "**/.ssh/**",
];

/// By class, globs of the files in it.
pub type Classes = BTreeMap<DataClass, Vec<String>>;

/// By class, the providers approved for it.
pub type Ceilings = BTreeMap<DataClass, BTreeSet<String>>;

/// The rules of one configuration.
#[derive(Debug, Clone)]
pub struct Privacy {
    globs: Vec<(DataClass, GlobSet)>,
    approved: Ceilings,
}

impl Privacy {
    /// Makes rules of an operator's globs and approvals, on top of the built-in ones.
    ///
    /// # Errors
    /// With the glob that is none.
    pub fn new(classes: &Classes, approved: Ceilings) -> Result<Self, String> {
        let built_in = [(DataClass::Restricted, RESTRICTED), (DataClass::Never, NEVER)];
        let mut globs = Vec::new();
        for class in DataClass::ALL.iter().rev() {
            let own = classes.get(class).into_iter().flatten().map(String::as_str);
            let ours = built_in.iter().filter(|(of, _)| of == class).flat_map(|(_, globs)| globs.iter().copied());
            let mut set = GlobSetBuilder::new();
            for glob in own.chain(ours) {
                // A folder means all that is in it, as in path filters; letters' case must not open a door.
                let whole = if glob.ends_with('/') { format!("{glob}**") } else { glob.to_owned() };
                let built = GlobBuilder::new(&whole).case_insensitive(true).literal_separator(true).build();
                set.add(built.map_err(|_| format!("{glob:?} is no glob"))?);
            }
            globs.push((*class, set.build().map_err(|e| e.to_string())?));
        }
        Ok(Self { globs, approved })
    }

    /// Returns the class of a file: the most private whose globs fit it, else `internal`.
    pub fn class_of(&self, path: &RepoPath) -> DataClass {
        let found = self.globs.iter().find(|(_, globs)| globs.is_match(path.as_str()));
        found.map_or(DataClass::Internal, |(class, _)| *class)
    }

    /// Returns whether a provider may read texts of a class. An approval counts for less private classes too; without any
    /// approval every provider may read `public` and `internal` texts, and nobody `restricted` ones.
    pub fn may_read(&self, provider: &str, class: DataClass) -> bool {
        if class == DataClass::Never {
            return false;
        }
        let named = |class: &DataClass| self.approved.get(class).is_some_and(|all| all.contains(provider));
        let limited = self.approved.contains_key(&class);
        DataClass::ALL.iter().any(|of| *of >= class && *of != DataClass::Never && named(of))
            || (class <= DataClass::Internal && !limited)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(classes: &[(DataClass, &[&str])], approved: &[(DataClass, &[&str])]) -> Privacy {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let classes = classes.iter().map(|(class, globs)| (*class, texts(globs))).collect();
        let approved =
            approved.iter().map(|(class, all)| (*class, all.iter().map(|text| (*text).to_owned()).collect())).collect();
        Privacy::new(&classes, approved).expect("rules")
    }

    fn path(text: &str) -> RepoPath {
        text.parse().expect("a path")
    }

    #[test]
    fn doors_money_and_machines_are_private_without_a_word_of_the_operator() {
        let rules = rules(&[], &[]);
        for (file, class) in [
            ("src/cart.py", DataClass::Internal),
            ("src/auth/keys.py", DataClass::Restricted),
            ("src/Auth/Keys.py", DataClass::Restricted),
            ("app/payments.rb", DataClass::Restricted),
            ("deploy/main.tf", DataClass::Restricted),
            ("config/.env", DataClass::Never),
            (".env.production", DataClass::Never),
            ("certs/server.KEY", DataClass::Never),
        ] {
            assert_eq!(rules.class_of(&path(file)), class, "{file}");
        }
    }

    #[test]
    fn an_operator_raises_a_class_and_lowers_none() {
        let rules = rules(
            &[
                (DataClass::Public, &["**/*.md", "src/auth/**"]),
                (DataClass::Restricted, &["models/"]),
                (DataClass::Never, &["src/board/"]),
            ],
            &[],
        );
        for (file, class) in [
            ("README.md", DataClass::Public),
            ("src/auth/a.py", DataClass::Restricted),
            ("models/x/y.py", DataClass::Restricted),
            ("src/board/plan.md", DataClass::Never),
        ] {
            assert_eq!(rules.class_of(&path(file)), class, "{file}");
        }
        assert!(Privacy::new(&[(DataClass::Never, vec!["[".to_owned()])].into(), Ceilings::new()).is_err());
    }

    #[test]
    fn r_24_only_approved_providers_read_restricted_texts_and_nobody_the_rest() {
        let open = rules(&[], &[]);
        assert!(open.may_read("any", DataClass::Internal) && !open.may_read("any", DataClass::Restricted));
        let one = rules(&[], &[(DataClass::Restricted, &["house"])]);
        for class in [DataClass::Public, DataClass::Internal, DataClass::Restricted] {
            assert!(one.may_read("house", class), "{class}");
            assert_eq!(one.may_read("other", class), class <= DataClass::Internal);
        }
        let closed = rules(&[], &[(DataClass::Internal, &["house"]), (DataClass::Never, &["house"])]);
        assert!(!closed.may_read("other", DataClass::Internal) && closed.may_read("other", DataClass::Public));
        assert!(!closed.may_read("house", DataClass::Restricted) && !closed.may_read("house", DataClass::Never));
    }

    proptest! {
        #[test]
        fn who_may_read_a_class_may_read_what_is_less_private(
            approved in proptest::collection::btree_map(0_usize..4, proptest::collection::btree_set("[ab]", 0..3), 0..4)
        ) {
            let approved: Ceilings = approved.into_iter().map(|(class, names)| (DataClass::ALL[class], names)).collect();
            let rules = Privacy::new(&Classes::new(), approved).expect("rules");
            prop_assert!(!rules.may_read("a", DataClass::Never));
            if rules.may_read("a", DataClass::Restricted) {
                prop_assert!(rules.may_read("a", DataClass::Internal) && rules.may_read("a", DataClass::Public));
            }
        }
    }
}
