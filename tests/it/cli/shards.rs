//! A fleet in parts: `reserve --shards`, `propose --shard` side by side, one `record`, one `publish`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::world::{Ended, World, ended, files};

const FLEET: [&str; 3] = ["acme/shop", "acme/mall", "acme/store"];

/// Three repositories with the same bug, a report of each, and a configuration.
fn fleet(more: &str) -> World {
    let world = World::empty();
    let command = serde_json::to_string(&world.test_command()).expect("it serialises");
    let mut text = format!("version: 1\n{more}repositories:\n");
    for slug in FLEET {
        world.repository(slug);
        world.issue(slug, 1);
        text += &format!("  - slug: {slug}\n    test_command: {command}\n");
    }
    world.write("repos.yml", text);
    world
}

/// Runs a stage with the runner's output file, as in a job of its own.
fn job(world: &World, stage: &str, more: &[&str]) -> (Ended, BTreeMap<String, String>) {
    let output = world.path("output");
    let _of_the_job_before = fs::remove_file(&output);
    let mut command = world.program(&[stage, "--forge", &format!("local:{}", world.text("fleet"))]);
    command.args(["--config", "repos.yml", "--artifacts", "artifacts"]).args(more).env("GITHUB_OUTPUT", &output);
    let ended = ended(command);
    let text = fs::read_to_string(output).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let outputs = lines.chunks(3).filter_map(|one| Some((one.first()?.split_once("<<")?.0, *one.get(1)?)));
    (ended, outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Reserves in two parts and proposes the given ones, each into a folder as its artifact would be; returns their digests.
fn proposed(world: &World, shards: &[u32]) -> Vec<String> {
    let (reserved, outputs) = job(world, "reserve", &["--shards", "2", "--out", "in/reservation"]);
    reserved.ends_with(0);
    assert_eq!(outputs["shards"], "[1,2]");
    let mut digests = Vec::new();
    for shard in shards {
        let (shard, out) = (shard.to_string(), format!("in/part-{shard}"));
        let (ended, outputs) = job(world, "propose", &["--in", "in", "--shard", &shard, "--out", &out]);
        ended.ends_with(0);
        assert_eq!(outputs["digest"], outputs[&format!("digest-{shard}")]);
        digests.push(outputs["digest"].clone());
    }
    digests
}

/// Gives digests as flags.
fn announced(digests: &[String]) -> Vec<&str> {
    digests.iter().flat_map(|digest| ["--digest", digest.as_str()]).collect()
}

fn reservation(world: &World) -> Value {
    let text = fs::read(world.path("in/reservation/reservation.json")).expect("it was reserved");
    serde_json::from_slice(&text).expect("it is JSON")
}

/// What a reviewer would see of the fleet: branches with their trees, and pull requests without their times.
fn seen(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for slug in FLEET {
        let mut lines = Vec::new();
        for branch in world.branches(slug) {
            let bare = world.path(&format!("fleet/{slug}.git"));
            lines.push(format!("{branch} {}", world.git(&bare, &["rev-parse", &format!("{branch}^{{tree}}")])));
        }
        for name in world.pulls(slug) {
            let text = fs::read_to_string(world.path(&format!("fleet/{slug}/pulls/{name}"))).expect("it can be read");
            let front = text.split("\n---").next().expect("there is one");
            lines.extend(
                front.lines().filter(|line| !line.contains("_at:") && !line.contains("_sha:")).map(str::to_owned),
            );
        }
        all.insert(slug.to_owned(), lines);
    }
    all
}

/// Lists paths on the state branch.
fn state(world: &World, below: &str) -> Vec<String> {
    let bare = world.path("fleet/.homeostat/state.git");
    let list = world.git(&bare, &["ls-tree", "-r", "--name-only", "homeostat-state"]);
    list.lines().filter(|path| path.starts_with(below)).map(str::to_owned).collect()
}

fn state_file(world: &World, path: &str) -> String {
    world.git(&world.path("fleet/.homeostat/state.git"), &["show", &format!("homeostat-state:{path}")])
}

/// Copies what was handed over, to be put back.
fn kept(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    files(&world.path("in"))
}

fn put_back(world: &World, kept: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::remove_dir_all(world.path("in")).expect("it is there");
    for (path, bytes) in kept {
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
        fs::write(path, bytes).expect("it can be written");
    }
}

fn candidates(world: &World, part: &str) -> Vec<PathBuf> {
    let paths = files(&world.path(&format!("in/{part}"))).into_keys();
    paths.filter(|path| path.to_string_lossy().contains("candidate-")).collect()
}

#[test]
fn three_repositories_over_two_shards_end_the_same_as_in_one_process() {
    let (parts, whole) = (fleet(""), fleet(""));
    whole.run(&[]).ends_with(0);
    let digests = proposed(&parts, &[1, 2]);
    let order = reservation(&parts);
    let shards = order["shards"].as_array().expect("it was divided");
    let slugs: Vec<&str> = shards
        .iter()
        .flat_map(|shard| shard["repositories"].as_array().expect("a list"))
        .map(|slug| slug.as_str().expect("a slug"))
        .collect();
    assert_eq!((slugs.len(), slugs.iter().copied().collect::<BTreeSet<_>>()), (3, FLEET.into()), "each in one shard");
    let ids: BTreeSet<_> = shards.iter().chain([&order]).map(|one| one["run_id"].as_str()).collect();
    assert_eq!(ids.len(), 3, "a shard runs under an id of its own");
    assert_eq!(state(&parts, "leases/").len(), 2, "each shard has its lease");

    job(&parts, "record", &[&["--in", "in"][..], &announced(&digests)].concat()).0.ends_with(0);
    assert!(state(&parts, "leases/").is_empty());
    let with = [&["--in", "in", "--format", "json"][..], &announced(&digests)].concat();
    let (published, outputs) = job(&parts, "publish", &with);
    let report = published.ends_with(0).json();
    assert_eq!((outputs["prs-created"].as_str(), &report["run_id"]), ("3", &order["run_id"]));
    assert_eq!(seen(&parts), seen(&whole));
    let again = job(&parts, "publish", &with).0.ends_with(0).json();
    assert_eq!((&again["writes"], &again["totals"]["prs_created"]), (&0.into(), &0.into()));
    assert_eq!(parts.run(&["--format", "json"]).ends_with(0).json()["writes"], 0);
}

#[test]
fn what_all_shards_told_stands_once_in_the_events_of_their_run() {
    let world = fleet("");
    let digests = proposed(&world, &[1, 2]);
    for _ in 0..2 {
        job(&world, "record", &[&["--in", "in"][..], &announced(&digests)].concat()).0.ends_with(0);
    }
    job(&world, "publish", &[&["--in", "in"][..], &announced(&digests)].concat()).0.ends_with(0);
    let order = reservation(&world);
    let run = order["run_id"].as_str().expect("an id");
    let paths = state(&world, "events/");
    assert_eq!(paths.len(), 1, "{paths:?}");
    assert!(paths[0].ends_with(&format!("/{run}.jsonl")), "{paths:?}");
    let text = state_file(&world, &paths[0]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let started = of("run.started");
    let ids: BTreeSet<&str> = started.iter().filter_map(|line| line["run_id"].as_str()).collect();
    assert_eq!((started.len(), ids.len()), (2, 2), "{text}");
    assert!(started.iter().all(|line| line["parent_run_id"] == run) && !ids.contains(run), "{text}");
    assert_eq!((of("run.finished").len(), of("attempt.finished").len()), (2, 3), "{text}");
}

#[test]
fn a_shard_that_dies_is_told_of_keeps_its_lease_and_holds_up_nobody() {
    let world = fleet("");
    let digests = proposed(&world, &[1]);
    let with = [&["--in", "in", "--format", "json"][..], &announced(&digests)].concat();
    let recorded = job(&world, "record", &with).0.ends_with(0).says(&["shard 2 left nothing"]);
    assert_eq!(recorded.json()["lost"], serde_json::json!([2]));
    let order = reservation(&world);
    let lost: Vec<&str> = order["shards"][1]["repositories"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|slug| slug.as_str().expect("a slug"))
        .collect();
    let id = order["shards"][1]["run_id"].as_str().expect("an id");
    assert_eq!(state(&world, "leases/"), [format!("leases/{id}.json")]);
    let report = job(&world, "publish", &with).0.ends_with(4).json();
    for one in report["repositories"].as_array().expect("a list") {
        let is_lost = lost.contains(&one["slug"].as_str().expect("a slug"));
        assert_eq!(one["pull_requests"].as_array().map(Vec::len), Some(usize::from(!is_lost)), "{one}");
        assert_eq!(one["error"].as_str().is_some_and(|why| why.contains("Shard 2")), is_lost, "{one}");
        assert_eq!(one["backlog"]["leased"].as_u64(), is_lost.then_some(1), "{one}");
    }
    let next = world.run(&["--format", "json"]).ends_with(0).json();
    assert_eq!((&next["writes"], &next["totals"]["prs_created"]), (&0.into(), &0.into()), "what is leased stays");
}

#[test]
fn where_every_shard_died_nothing_is_recorded_and_nothing_is_lost() {
    let world = fleet("");
    proposed(&world, &[]);
    let before = world.fleet();
    let recorded = job(&world, "record", &["--in", "in", "--format", "json"]).0.ends_with(0).json();
    assert_eq!((&recorded["recorded"], &recorded["lost"]), (&false.into(), &serde_json::json!([1, 2])));
    job(&world, "publish", &["--in", "in"]).0.ends_with(4);
    assert!(before == world.fleet());
    assert_eq!(state(&world, "leases/").len(), 2);
}

/// What is done to what was handed over: a name, the deed, and a word of the refusal.
type Tamper<'a> = (&'a str, Box<dyn Fn() + 'a>, &'a str);

#[test]
fn p_02_v_88_one_wrong_byte_in_any_part_and_nothing_of_the_run_is_written() {
    let world = fleet("");
    let digests = proposed(&world, &[1, 2]);
    let (honest, before) = (kept(&world), world.fleet());
    let [first, second] = [1, 2].map(|part| world.path(&format!("in/part-{part}")));
    let [of_first, of_second] = ["part-1", "part-2"].map(|part| candidates(&world, part));
    let own = &of_first[0];
    let other = &of_second[0];
    let name = |path: &PathBuf| path.file_name().expect("it has a name").to_owned();
    let flip = |path: &PathBuf, at: usize| {
        let mut bytes = honest[path].clone();
        bytes[at] ^= 1;
        fs::write(path, bytes).expect("it can be written");
    };
    let tampers: Vec<Tamper<'_>> = vec![
        ("a byte of a manifest", Box::new(|| flip(&second.join("manifest.json"), 30)), "announced"),
        ("the last byte of a candidate", Box::new(|| flip(own, honest[own].len() - 2)), "digest-mismatch"),
        (
            "two candidates change places",
            Box::new(|| {
                fs::write(own, &honest[other]).expect("it can be written");
                fs::write(other, &honest[own]).expect("it can be written");
            }),
            "digest-mismatch",
        ),
        (
            "a candidate moves to the other part",
            Box::new(|| fs::rename(own, second.join(name(own))).expect("it moves")),
            "digest-mismatch",
        ),
        (
            "one candidate too many",
            Box::new(|| {
                fs::write(first.join("candidate-acme-more-abc.json"), "{}").expect("it can be written");
            }),
            "candidate-acme-more",
        ),
        ("one candidate too few", Box::new(|| fs::remove_file(own).expect("it goes")), "digest-mismatch"),
        (
            "the manifests change places",
            Box::new(|| {
                for (to, from) in [(&first, &second), (&second, &first)] {
                    fs::write(to.join("manifest.json"), &honest[&from.join("manifest.json")])
                        .expect("it can be written");
                }
            }),
            "digest-mismatch",
        ),
        (
            "a part twice",
            Box::new(|| {
                for (path, bytes) in honest.iter().filter(|(path, _)| path.starts_with(&first)) {
                    world.write(&format!("in/part-3/{}", name(path).display()), bytes);
                }
            }),
            "second one of shard 1",
        ),
        (
            "another reservation",
            Box::new(|| {
                flip(
                    &world.path("in/reservation/reservation.json"),
                    honest[&world.path("in/reservation/reservation.json")].len() - 1,
                );
            }),
            "reservation.json",
        ),
        ("a link instead of a file", Box::new(|| link(own, &world.path("repos.yml"))), "digest-mismatch"),
    ];
    for (what, tamper, word) in &tampers {
        tamper();
        for stage in ["record", "publish"] {
            let ended = job(&world, stage, &[&["--in", "in"][..], &announced(&digests)].concat()).0;
            let code = if *what == "another reservation" && ended.code == 2 { 2 } else { 3 };
            assert_eq!(ended.code, code, "{what}, {stage}: {}", ended.stderr);
            assert!(ended.stderr.contains(word), "{what}, {stage}: {}", ended.stderr);
            assert!(before == world.fleet(), "{what}: {stage} wrote something");
        }
        put_back(&world, &honest);
    }
    // Whole parts may lie anywhere: what they hold says what they are.
    fs::rename(&first, world.path("in/part-x")).expect("it moves");
    fs::rename(&second, &first).expect("it moves");
    let with = ["--in", "in/reservation", "--in", "in/part-1", "--in", "in/part-x"];
    job(&world, "publish", &[&with[..], &announced(&digests)].concat()).0.ends_with(0);
    assert!(FLEET.iter().all(|slug| world.pulls(slug).len() == 1));
}

#[cfg(unix)]
fn link(path: &PathBuf, to: &PathBuf) {
    fs::remove_file(path).expect("it goes");
    std::os::unix::fs::symlink(to, path).expect("it can be linked");
}

#[cfg(not(unix))]
fn link(path: &PathBuf, _to: &PathBuf) {
    fs::remove_file(path).expect("it goes");
}

#[test]
fn v_88_a_shard_speaks_for_no_other_repository_even_with_digests_that_fit() {
    let world = fleet("");
    proposed(&world, &[1, 2]);
    let (from, to) = (candidates(&world, "part-2")[0].clone(), world.path("in/part-1"));
    let name = from.file_name().expect("a name").to_owned();
    let bytes = fs::read(&from).expect("it can be read");
    fs::write(to.join(&name), &bytes).expect("it can be written");
    let manifest = to.join("manifest.json");
    let mut told: Value = serde_json::from_slice(&fs::read(&manifest).expect("it can be read")).expect("it is JSON");
    told["digests"][name.to_string_lossy().as_ref()] = homeostat::model::sha256_hex(&bytes).into();
    fs::write(&manifest, told.to_string()).expect("it can be written");
    let before = world.fleet();
    job(&world, "publish", &["--in", "in"]).0.ends_with(3).says(&["which it was not asked for"]);
    assert!(before == world.fleet());
}

#[test]
fn p_03_max_prs_per_day_holds_for_all_shards_together() {
    let world = fleet("run: { max_prs_per_day: 2 }\n");
    let digests = proposed(&world, &[1, 2]);
    let with = [&["--in", "in"][..], &announced(&digests)].concat();
    job(&world, "record", &with).0.ends_with(0);
    let (ended, outputs) = job(&world, "publish", &with);
    ended.ends_with(0);
    assert_eq!(outputs["prs-created"], "2");
    assert_eq!(FLEET.iter().filter(|slug| world.pulls(slug).len() == 1).count(), 2);
}

#[test]
fn inside_actions_publish_takes_nothing_that_was_not_announced_to_it() {
    let world = fleet("");
    let digests = proposed(&world, &[1, 2]);
    let before = world.fleet();
    let publish = |digests: &[&str]| {
        let mut command = world.program(&["publish", "--forge", &format!("local:{}", world.text("fleet"))]);
        command.args(["--config", "repos.yml", "--artifacts", "artifacts", "--in", "in"]).args(digests);
        command.env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", world.path("tmp"));
        ended(command)
    };
    publish(&[]).ends_with(2).says(&["--digest", "`digest-1`"]);
    // Outputs of jobs that did not run are empty.
    publish(&["--digest", "", "--digest", " "]).ends_with(2).says(&["--digest"]);
    publish(&["--digest", "sha256:123"]).ends_with(2).says(&["sha256:123"]);
    publish(&["--digest", &digests[0]]).ends_with(3).says(&["announced"]);
    assert!(before == world.fleet());
    let all = digests.join("\n");
    publish(&["--digest", &all, "--digest", ""]).ends_with(0);
    assert_eq!(world.pulls("acme/shop").len(), 1);
}

#[test]
fn a_fleet_with_nothing_to_do_has_no_shards_and_ends_well() {
    let world = fleet("");
    world.run(&[]).ends_with(0);
    let (reserved, outputs) = job(&world, "reserve", &["--shards", "32", "--out", "in/reservation"]);
    reserved.ends_with(0);
    assert_eq!(outputs["shards"], "[]");
    let before = world.fleet();
    job(&world, "record", &["--in", "in"]).0.ends_with(0).says(&[]);
    job(&world, "publish", &["--in", "in", "--digest", &outputs["digest"]]).0.ends_with(0).says(&[]);
    let other = format!("sha256:{}", "0".repeat(64));
    job(&world, "publish", &["--in", "in", "--digest", &other]).0.ends_with(3).says(&["reservation.json"]);
    job(&world, "propose", &["--in", "in", "--shard", "1", "--out", "in/part-1"]).0.ends_with(2).says(&["no shard 1"]);
    assert!(before == world.fleet());
}

#[test]
fn a_shard_that_is_not_there_is_said_before_anything_is_done() {
    let world = fleet("");
    job(&world, "reserve", &["--shards", "33", "--out", "in"]).0.ends_with(2).says(&["32 is the most", "digest-32"]);
    job(&world, "reserve", &["--shards", "0", "--out", "in"]).0.ends_with(2).says(&["count from 1"]);
    job(&world, "reserve", &["--shards", "9", "--out", "in"]).0.ends_with(0).says(&[]);
    let propose = |more: &[&str]| job(&world, "propose", &[&["--in", "in"][..], more].concat()).0;
    propose(&["--out", "x"]).ends_with(2).says(&["3 shard(s)", "--shard"]);
    propose(&["--shard", "4", "--out", "x"]).ends_with(2).says(&["no shard 4"]);
    propose(&["--shard", "1", "--out", "x"]).ends_with(0).says(&[]);
    propose(&["--shard", "2", "--out", "x"]).ends_with(2).says(&["what shard 1 left", "--out"]);
    propose(&["--shard", "1", "--out", "x"]).ends_with(0).says(&[]);
    let single = World::new();
    single.stage("reserve", &["--out", "work"]).ends_with(0).says(&[]);
    single.stage("propose", &["--in", "work", "--shard", "1"]).ends_with(2).says(&["was not divided"]);
}
