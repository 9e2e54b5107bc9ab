//! Puts flags, environment, repository, defaults and built-in values on top of each other. Layer 1.
//!
//! It takes bytes and maps and gives a checked configuration or everything that is wrong with it; it reads no file and
//! no environment itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;

use crate::config::check::{Checker, Found, join};
use crate::config::environment::{self, Environment, Variable};
use crate::config::fields::{get, get_global, set, set_global};
use crate::config::keys::{REPOSITORY, TOP};
use crate::config::models::check_models;
use crate::config::problem::{Place, ProblemCode, Problems, shown};
use crate::config::raw::{self, Node, Value};
use crate::config::settings::Config;
use crate::config::template;
use crate::model::{Allowance, Mode, Policy, RepoSlug};

/// The most repositories of one configuration (V-98).
pub const MAX_REPOSITORIES: usize = 10_000;

/// What the command line says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--mode`.
    pub mode: Option<Mode>,
    /// `--dry-run`.
    pub dry_run: bool,
}

/// Reads files that lie beside the configuration; a face does it, for this layer reads none.
pub trait Beside: std::fmt::Debug {
    /// Returns a file's bytes; nothing beyond [`crate::config::MAX_TEMPLATE`] and one need be read.
    ///
    /// # Errors
    /// With what went wrong, in words.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;
}

/// Files in memory, by name.
impl Beside for BTreeMap<String, Vec<u8>> {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.get(name).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}

/// Everything that a configuration is made from.
#[derive(Debug, Clone, Copy)]
pub struct LoadInput<'a> {
    /// The file as messages name it.
    pub file_name: &'a str,
    /// Its bytes; the caller need not read more than `MAX_BYTES` and one.
    pub text: &'a [u8],
    /// The environment.
    pub env: &'a BTreeMap<String, String>,
    /// The command line.
    pub flags: &'a Flags,
    /// The files beside it.
    pub beside: &'a dyn Beside,
}

/// A value in force and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// The value, as the configuration would write it.
    pub value: Json,
    /// `flag --mode`, `environment MAX_FILES`, `repositories[2], line 14`, `defaults, line 5` or `built-in`.
    pub from: String,
}

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What is odd, but not wrong, as whole lines.
    pub warnings: Vec<String>,
    /// `dev`, `test` or `production`.
    pub environment: String,
    /// Whether this run may learn.
    pub learning: bool,
    /// Whether the environment holds everything back, state included: `HOMEOSTAT_STOP` or `HOMEOSTAT_DRY_RUN` is on.
    pub hold: bool,
    /// By repository the origin of every key that is not built in; `effective` has the others too.
    pub origins: BTreeMap<RepoSlug, BTreeMap<String, Origin>>,
    /// The same for the keys of the whole configuration.
    pub settings: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Makes a configuration without a file, for repositories under built-in settings.
    ///
    /// # Errors
    /// When the environment cannot be read, or a repository is named twice.
    pub fn built_in(slugs: &[RepoSlug], env: &BTreeMap<String, String>, flags: Flags) -> Result<Self, Problems> {
        let mut problems = Problems::new("built-in settings");
        let mut seen = BTreeSet::new();
        let repositories = slugs.iter().map(|slug| Entry { slug: slug.clone(), at: 0, found: Vec::new() }).collect();
        for slug in slugs {
            if !seen.insert(slug.to_string().to_ascii_lowercase()) {
                problems.add(None, slug.to_string(), ProblemCode::DuplicateRepository, "It is named twice.");
            }
        }
        let file = File { repositories, ..File::default() };
        let nothing = BTreeMap::new();
        let mut templates = Templates { beside: &nothing, read: BTreeMap::new() };
        compose(file, env, flags, &mut templates, problems, Vec::new())
    }

    /// Returns every key of a repository with its value in force and its origin, in the order of names.
    pub fn effective(&self, policy: &Policy) -> BTreeMap<String, Origin> {
        let own = self.origins.get(&policy.slug);
        let mut all = BTreeMap::new();
        for key in crate::config::reference::repository_keys() {
            let from = own.and_then(|own| own.get(&key)).map_or("built-in", |origin| &origin.from).to_owned();
            if let Some(value) = get(policy, &key) {
                all.insert(key, Origin { value, from });
            }
        }
        all
    }

    /// Returns every key of the whole configuration with its value in force and its origin.
    pub fn effective_settings(&self) -> BTreeMap<String, Origin> {
        let mut all = BTreeMap::new();
        for key in crate::config::reference::setting_keys() {
            let from = self.settings.get(&key).map_or("built-in", |origin| &origin.from).to_owned();
            if let Some(value) = get_global(&self.config, &key) {
                all.insert(key, Origin { value, from });
            }
        }
        all
    }
}

/// What a file sets.
#[derive(Default)]
struct File {
    top: Vec<Found>,
    defaults: Vec<Found>,
    repositories: Vec<Entry>,
}

/// What one entry of `repositories` sets.
struct Entry {
    slug: RepoSlug,
    at: usize,
    found: Vec<Found>,
}

/// Reads and checks a configuration.
///
/// # Errors
/// All problems of the file and of the environment at once, in the order of the file.
pub fn load(input: &LoadInput<'_>) -> Result<Loaded, Problems> {
    let mut problems = Problems::new(input.file_name);
    let mut warnings = Vec::new();
    let file = raw::read(input.text, &mut problems).map(|root| read_file(&root, &mut problems, &mut warnings));
    let mut templates = Templates { beside: input.beside, read: BTreeMap::new() };
    compose(file.unwrap_or_default(), input.env, *input.flags, &mut templates, problems, warnings)
}

fn read_file(root: &Node, problems: &mut Problems, warnings: &mut Vec<String>) -> File {
    let mut file = File::default();
    if !matches!(root.value, Value::Map(_)) {
        let message = format!("Here stands {}; a configuration is a table that starts with `version: 1`.", root.kind());
        problems.add(root.place, "", ProblemCode::WrongType, message);
        return file;
    }
    check_version(root, problems);
    // The two sections with the keys of repositories are walked by themselves, to keep their entries apart.
    let rest = root.without(&["defaults", "repositories"]);
    Checker { problems, warnings }.table("", "", &rest, TOP, &mut file.top);
    if let Some(entry) = root.get("defaults") {
        Checker { problems, warnings }.table("defaults", "", &entry.value, REPOSITORY, &mut file.defaults);
        file.defaults.retain(|found| {
            if found.key == "slug" {
                let message = "A slug belongs to one entry of `repositories`, not to all.";
                problems.add(found.place, "defaults.slug", ProblemCode::UnknownKey, message);
            }
            found.key != "slug"
        });
    }
    file.repositories = read_repositories(root, problems, warnings);
    file
}

fn check_version(root: &Node, problems: &mut Problems) {
    let Some(entry) = root.get("version") else {
        let message = "The version is missing; start the file with `version: 1`.";
        problems.add(root.place, "version", ProblemCode::Version, message);
        return;
    };
    match &entry.value.value {
        Value::Scalar { text, .. } if text == "1" => {}
        Value::Scalar { text, .. } => {
            let message = format!("{} is not a version that this program reads; write 1.", shown(text));
            problems.add(entry.value.place, "version", ProblemCode::Version, message);
        }
        _ => problems.add(entry.value.place, "version", ProblemCode::Version, "The version has to be the number 1."),
    }
}

fn read_repositories(root: &Node, problems: &mut Problems, warnings: &mut Vec<String>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let Some(section) = root.get("repositories") else {
        // A misspelt section has been reported by its own name.
        if !matches!(&root.value, Value::Map(all) if all.iter().any(|entry| {
            crate::config::problem::nearest(&entry.key, ["repositories"]).is_some()
        })) {
            let message = "No repository is listed; add `- slug: owner/name` below `repositories`.";
            problems.add(root.place, "repositories", ProblemCode::MissingKey, message);
        }
        return entries;
    };
    let items = match &section.value.value {
        Value::List(items) if !items.is_empty() => items,
        Value::List(_) => {
            let message = "No repository is listed; add `- slug: owner/name`.";
            problems.add(section.value.place, "repositories", ProblemCode::MissingKey, message);
            return entries;
        }
        _ => {
            Checker { problems, warnings }.wrong_type(&section.value, "repositories", "a list");
            return entries;
        }
    };
    if items.len() > MAX_REPOSITORIES {
        let message = format!(
            "{} repositories are listed; one configuration has at most {MAX_REPOSITORIES}. Split it into several.",
            items.len()
        );
        problems.add(section.value.place, "repositories", ProblemCode::TooManyRepositories, message);
        return entries;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let path = format!("repositories[{at}]");
        let mut found = Vec::new();
        Checker { problems, warnings }.table(&path, "", item, REPOSITORY, &mut found);
        let slug = found.iter().find(|found| found.key == "slug").cloned();
        found.retain(|found| found.key != "slug");
        match slug.as_ref().map(|slug| slug.value.as_str().map(str::parse::<RepoSlug>)) {
            Some(Some(Ok(name))) => {
                // Forges do not tell names apart by case.
                let lower = name.to_string().to_ascii_lowercase();
                if let (Some(first), Some(slug)) = (seen.get(&lower), &slug) {
                    let message = format!("{name} is listed already, as repositories[{first}]; keep one of them.");
                    problems.add(slug.place, join(&path, "slug"), ProblemCode::DuplicateRepository, message);
                    continue;
                }
                seen.insert(lower, at);
                entries.push(Entry { slug: name, at, found });
            }
            // A slug that is there but wrong has been reported.
            None if item.get("slug").is_some() => {}
            _ if matches!(item.value, Value::Map(_)) || item.is_null() => {
                let message = "The repository has no name; add `slug: owner/name`.";
                problems.add(item.place, join(&path, "slug"), ProblemCode::MissingKey, message);
            }
            _ => {}
        }
    }
    entries
}

/// Templates that were read, each once, however many repositories name it.
struct Templates<'a> {
    beside: &'a dyn Beside,
    read: BTreeMap<(String, &'static [&'static str]), Result<String, String>>,
}

impl Templates<'_> {
    /// Returns a template that may use these variables.
    fn text(&mut self, name: &str, variables: &'static [&'static str]) -> Result<String, String> {
        let read = || match self.beside.read(name) {
            Ok(bytes) => template::read_body(&bytes, variables),
            Err(why) => Err(format!("It cannot be read: {why}.")),
        };
        self.read.entry((name.to_owned(), variables)).or_insert_with(read).clone()
    }
}

/// Puts the layers on top of each other.
fn compose(
    file: File,
    env: &BTreeMap<String, String>,
    flags: Flags,
    templates: &mut Templates<'_>,
    mut problems: Problems,
    mut warnings: Vec<String>,
) -> Result<Loaded, Problems> {
    let environment = environment::read(env, &mut problems);
    let mut config = Config::empty();
    let mut settings = BTreeMap::new();
    for found in &file.top {
        set_global(&mut config, &found.key, &found.value);
        settings.insert(found.key.clone(), from(found, "top of the file"));
    }
    check_models(&config, &file.top, &mut problems, &mut warnings);
    tighten_cost(&mut config, &environment, &mut settings, &mut warnings);

    let mut origins = BTreeMap::new();
    let mut looser = BTreeSet::new();
    for entry in file.repositories {
        let mut policy = Policy::built_in(entry.slug);
        let mut own = BTreeMap::new();
        let place = format!("repositories[{}]", entry.at);
        for (layer, section) in [(&file.defaults, "defaults"), (&entry.found, place.as_str())] {
            for found in layer {
                set(&mut policy, &found.key, &found.value);
                own.insert(found.key.clone(), from(found, section));
            }
        }
        let named = [
            ("pull_request.template", template::BODY_VARIABLES, policy.pull_request.template.clone()),
            ("open_pr.template", template::FEATURE_VARIABLES, policy.open_pr.template.clone()),
        ];
        for (key, variables, name) in named {
            let Some(name) = name else { continue };
            match templates.text(&name, variables) {
                Ok(text) if key == "open_pr.template" => policy.open_pr.template_text = Some(text),
                Ok(text) => policy.pull_request.template_text = Some(text),
                Err(why) => {
                    let (place, full) = place_of(key, &entry.found, &place, &file.defaults)
                        .unwrap_or_else(|| (Place::START, key.to_owned()));
                    problems.add(place, full, ProblemCode::BadTemplate, format!("{}: {why}", shown(&name)));
                }
            }
        }
        check_together(&policy, &own, &file.defaults, &entry.found, &place, &mut problems);
        lower_mode(&mut policy, &mut own, config.mode, &settings, &environment, flags);
        tighten(&mut policy, &mut own, &environment, &mut looser);
        origins.insert(policy.slug.clone(), own);
        config.repositories.push(policy);
    }
    for name in looser {
        warnings.push(format!(
            "environment: {name}: It is looser than the configuration, and a limit from there can only tighten."
        ));
    }
    if !settings.contains_key("mode") {
        // A ceiling that nobody gave is none: it is as high as the repositories go.
        config.mode = config.repositories.iter().map(|policy| policy.mode).fold(config.mode, Mode::max);
    }
    lower_ceiling(&mut config, &mut settings, &environment, flags);
    let Environment { stage, learning, hold, .. } = environment;
    problems.or(Loaded { config, warnings, environment: stage, learning, hold, origins, settings })
}

fn from(found: &Found, section: &str) -> Origin {
    Origin { value: found.value.clone(), from: format!("{section}, line {}", found.place.line) }
}

/// Returns the sources that can lower a mode besides the file, strongest first.
fn outer_modes(environment: &Environment, flags: Flags) -> Vec<(Mode, String)> {
    let mut modes = Vec::new();
    if flags.dry_run {
        modes.push((Mode::Observe, "flag --dry-run".to_owned()));
    }
    modes.extend(flags.mode.map(|mode| (mode, "flag --mode".to_owned())));
    modes.extend(environment.observe.as_ref().map(|name| (Mode::Observe, format!("environment {name}"))));
    modes
}

/// Brings a repository's mode down to the lowest that is given.
fn lower_mode(
    policy: &mut Policy,
    own: &mut BTreeMap<String, Origin>,
    ceiling: Mode,
    settings: &BTreeMap<String, Origin>,
    environment: &Environment,
    flags: Flags,
) {
    let mut given = outer_modes(environment, flags);
    given.extend(settings.get("mode").map(|origin| (ceiling, origin.from.clone())));
    for (mode, from) in given {
        if mode < policy.mode {
            policy.mode = mode;
            own.insert("mode".to_owned(), Origin { value: Json::from(mode.as_str()), from });
        }
    }
}

/// The same for the mode at the top, which `show` prints.
fn lower_ceiling(
    config: &mut Config,
    settings: &mut BTreeMap<String, Origin>,
    environment: &Environment,
    flags: Flags,
) {
    for (mode, from) in outer_modes(environment, flags) {
        if mode < config.mode {
            config.mode = mode;
            settings.insert("mode".to_owned(), Origin { value: Json::from(mode.as_str()), from });
        }
    }
}

fn tighten_cost(
    config: &mut Config,
    environment: &Environment,
    settings: &mut BTreeMap<String, Origin>,
    warnings: &mut Vec<String>,
) {
    let Some(Variable { name, value }) = &environment.max_run_cost else { return };
    let before = config.budget.run;
    set_global(config, "budget.run", value);
    let amount = |allowance| match allowance {
        Allowance::Cap(amount) => Some(amount),
        Allowance::Unlimited => None,
    };
    let tighter = match (amount(config.budget.run), amount(before)) {
        (Some(new), Some(old)) => new <= old,
        (new, None) => new.is_some(),
        (None, Some(_)) => false,
    };
    if tighter {
        let origin = Origin { value: value.clone(), from: format!("environment {name}") };
        settings.insert("budget.run".to_owned(), origin);
    } else {
        config.budget.run = before;
        warnings.push(format!(
            "environment: {name}: It is looser than the configuration, and a limit from there can only tighten."
        ));
    }
}

/// Applies the limits of the environment where they are tighter, and collects the names of those that are looser.
fn tighten(
    policy: &mut Policy,
    own: &mut BTreeMap<String, Origin>,
    environment: &Environment,
    looser: &mut BTreeSet<String>,
) {
    let limits = [
        ("confidence_threshold", &environment.confidence, true),
        ("limits.max_diff_lines", &environment.max_diff_lines, false),
        ("limits.max_files", &environment.max_files, false),
        ("limits.max_attempts", &environment.max_attempts, false),
    ];
    for (key, variable, upwards) in limits {
        let Some(Variable { name, value }) = variable else { continue };
        let (Some(new), Some(old)) = (value.as_f64(), get(policy, key).and_then(|old| old.as_f64())) else { continue };
        let tighter = if upwards { new > old } else { new < old };
        if tighter {
            set(policy, key, value);
            own.insert(key.to_owned(), Origin { value: value.clone(), from: format!("environment {name}") });
        } else if (new - old).abs() > f64::EPSILON {
            looser.insert(name.clone());
        }
    }
}

/// Returns the place of a key: in the entry, else in `defaults`.
fn place_of(key: &str, found: &[Found], section: &str, defaults: &[Found]) -> Option<(Place, String)> {
    let of = |layer: &[Found], section: &str| {
        layer.iter().find(|found| found.key == key).map(|found| (found.place, join(section, key)))
    };
    of(found, section).or_else(|| of(defaults, "defaults"))
}

/// Checks what only several keys together can get wrong.
fn check_together(
    policy: &Policy,
    own: &BTreeMap<String, Origin>,
    defaults: &[Found],
    found: &[Found],
    section: &str,
    problems: &mut Problems,
) {
    let place = |key: &str| place_of(key, found, section, defaults);
    if policy.draft_threshold > policy.confidence_threshold {
        let at = place("draft_threshold").filter(|_| found.iter().all(|f| f.key != "confidence_threshold"));
        if let Some((place, key)) = at.or_else(|| place("confidence_threshold")).or_else(|| place("draft_threshold")) {
            let message = format!(
                "draft_threshold ({}) is above confidence_threshold ({}); nothing could ever be a draft. Swap or lower it.",
                policy.draft_threshold, policy.confidence_threshold
            );
            problems.add(place, key, ProblemCode::ThresholdsOutOfOrder, message);
        }
    }
    let trigger = policy
        .labels
        .iter()
        .find(|label| policy.trigger_labels.iter().any(|trigger| trigger.to_lowercase() == label.to_lowercase()));
    if let (Some(label), false) = (trigger, own.is_empty()) {
        let at = place("labels").or_else(|| place("trigger_labels"));
        if let Some((place, key)) = at {
            let message = format!(
                "The label {} is a trigger label too, so a pull request of ours would be a report.",
                shown(label)
            );
            problems.add(place, key, ProblemCode::LabelIsTrigger, message);
        }
    }
}
