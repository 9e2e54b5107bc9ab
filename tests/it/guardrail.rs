//! Guardrail rules on data: every rule has a folder of diffs in `tests/data/guardrail/`, each with its expected verdict.
//!
//! `NAME.diff` is judged under the built-in policy, changed by `NAME.policy.json` where it lies beside, against the files of
//! `NAME.base/` where that does; `NAME.json` is the verdict. A name begins with what the folder's rule says: `refused-`,
//! `flagged-` or `passing-`. `HOMEOSTAT_BLESS=1` writes the verdicts anew. A forgotten file fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use homeostat::guardrail::{Means, RULES, TreeView, judge_diff, new_syntax_errors};
use homeostat::model::{FileState, Policy, Reason, RepoPath, RuleSetting, Ruling, Verdict};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What a case changes in the built-in policy.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Changes {
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    add: Vec<String>,
    lift: Vec<String>,
    max_diff_lines: Option<u64>,
    max_files: Option<u64>,
    max_patch_bytes: Option<u64>,
    max_file_bytes: Option<u64>,
    rules: BTreeMap<Reason, RuleSetting>,
}

impl Changes {
    fn apply(self) -> Result<Policy, Box<dyn std::error::Error>> {
        let mut policy = Policy::built_in("owner/app".parse()?);
        let keep = |value: Option<u64>, place: &mut u64| *place = value.unwrap_or(*place);
        keep(self.max_diff_lines, &mut policy.limits.max_diff_lines);
        keep(self.max_files, &mut policy.limits.max_files);
        keep(self.max_patch_bytes, &mut policy.limits.max_patch_bytes);
        keep(self.max_file_bytes, &mut policy.limits.max_file_bytes);
        policy.path_filters.include = self.include.unwrap_or(policy.path_filters.include);
        policy.path_filters.exclude = self.exclude.unwrap_or(policy.path_filters.exclude);
        (policy.protected_add, policy.protected_lift) = (self.add, self.lift);
        policy.rules.extend(self.rules);
        Ok(policy)
    }
}

/// A base in a folder.
struct Base(BTreeMap<RepoPath, FileState>);

impl Base {
    fn read_from(root: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let parts: Vec<_> = path.strip_prefix(root)?.iter().map(|part| part.to_string_lossy()).collect();
                    files.insert(parts.join("/").parse()?, FileState::plain(fs::read(&path)?));
                }
            }
        }
        Ok(Self(files))
    }
}

impl TreeView for Base {
    fn read(&self, path: &RepoPath) -> Option<FileState> {
        self.0.get(path).cloned()
    }

    fn paths(&self) -> Vec<RepoPath> {
        self.0.keys().cloned().collect()
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/guardrail")
}

fn judge(diff: &Path) -> Result<Verdict, Box<dyn std::error::Error>> {
    let changes = match fs::read(diff.with_extension("policy.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(_) => Changes::default(),
    };
    let folder = diff.with_extension("base");
    let base = if folder.is_dir() { Some(Base::read_from(&folder)?) } else { None };
    let tree = base.as_ref().map(|base| base as &dyn TreeView);
    Ok(judge_diff(&fs::read(diff)?, &changes.apply()?, Means { tree, syntax: Some(new_syntax_errors), known: None }))
}

/// Judges the cases of one folder and says what is wrong with them.
fn folder(rule: Reason, folder: &Path, wrong: &mut Vec<String>) -> Outcome {
    let names: BTreeSet<String> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, std::io::Error>>()?;
    let cases: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".diff")).collect();
    for name in &names {
        let known = [".diff", ".policy.json", ".base", ".json"].iter().find_map(|end| name.strip_suffix(end));
        if !known.is_some_and(|case| cases.contains(&case)) {
            wrong.push(format!("{rule}/{name} belongs to no case"));
        }
    }
    let mut seen = BTreeSet::new();
    for case in cases {
        let diff = folder.join(format!("{case}.diff"));
        let verdict = judge(&diff)?;
        let said = verdict.violations.iter().filter(|v| v.rule == rule).map(|v| v.ruling).max().unwrap_or(Ruling::Pass);
        let wanted = match case.split('-').next() {
            Some("refused") => Ruling::Refuse,
            Some("flagged") => Ruling::Flag,
            Some("passing") => Ruling::Pass,
            _ => return Err(format!("{rule}/{case}: a name begins with refused-, flagged- or passing-").into()),
        };
        if said != wanted {
            wrong.push(format!("{rule}/{case}: the rule says {said:?}\n{verdict:#?}"));
        }
        seen.insert(said == Ruling::Pass);
        let shown = serde_json::to_string_pretty(&verdict)? + "\n";
        let expected = diff.with_extension("json");
        if std::env::var_os("HOMEOSTAT_BLESS").is_some() {
            fs::write(&expected, &shown)?;
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(&shown) {
            wrong.push(format!("{rule}/{case}: the verdict is not the expected one, but\n{shown}"));
        }
    }
    if seen.len() != 2 {
        wrong.push(format!("{rule}: needs at least one case that it stops and one that it lets pass"));
    }
    Ok(())
}

#[test]
fn every_rule_says_what_its_fixtures_expect() -> Outcome {
    let mut rules: BTreeSet<Reason> = RULES.iter().map(|rule| rule.id()).collect();
    rules.insert(Reason::MalformedDiff);
    let mut wrong = Vec::new();
    for entry in fs::read_dir(data())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !rules.iter().any(|rule| rule.as_str() == name) {
            wrong.push(format!("{name} is no rule's folder"));
        }
    }
    for rule in rules {
        let path = data().join(rule.as_str());
        if path.is_dir() {
            folder(rule, &path, &mut wrong)?;
        } else {
            wrong.push(format!("{rule} has no fixtures"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
