//! `outcomes` as people start it, over a folder: a merge by plain git, a close by an editor.

use std::fs;

use super::world::World;

/// A fleet of one repository with one open pull request, and where its file and its branch are.
fn opened() -> (World, std::path::PathBuf, String) {
    let world = World::new();
    world.run(&[]).ends_with(0);
    let bare = world.path("fleet/acme/shop.git");
    let refs = world.git(&bare, &["for-each-ref", "--format=%(refname)", "refs/heads/homeostat/"]);
    let file = world.path("fleet/acme/shop/pulls/2.md");
    assert!(file.exists(), "{refs}");
    (world, file, refs.trim().to_owned())
}

#[test]
fn a_merge_by_plain_git_is_told_once_and_its_branch_goes() {
    let (world, _, branch) = opened();
    let bare = world.path("fleet/acme/shop.git");
    world.git(&bare, &["update-ref", "refs/heads/main", &branch]);
    let dry = world.stage("outcomes", &["--dry-run", "--format", "json"]).ends_with(0).json();
    assert_eq!((&dry["writes"], &dry["repositories"][0]["outcomes"][0]["outcome"]), (&0.into(), &"merged".into()));
    let told = world.stage("outcomes", &["--format", "json"]).ends_with(0).json();
    let outcome = &told["repositories"][0]["outcomes"][0];
    assert_eq!(
        (&outcome["outcome"], &outcome["number"], &outcome["lines_on_top"]),
        (&"merged".into(), &2.into(), &0.into())
    );
    assert_eq!(world.git(&bare, &["for-each-ref", "refs/heads/homeostat/"]), "", "{told}");
    let again = world.stage("outcomes", &["--format", "json"]).ends_with(0).json();
    assert_eq!((&again["writes"], again["repositories"][0]["outcomes"].as_array().map(Vec::len)), (&0.into(), Some(0)));
    assert!(world.stage("outcomes", &[]).ends_with(0).stdout.contains("nothing new"));
}

#[test]
fn a_close_by_an_editor_is_told_and_its_branch_stays() {
    let (world, file, branch) = opened();
    let text = fs::read_to_string(&file).expect("a pull request");
    fs::write(&file, text.replacen("state: open", "state: closed", 1)).expect("an edit");
    let told = world.stage("outcomes", &[]).ends_with(0);
    assert!(told.stdout.contains("#2 closed"), "{told:?}");
    let bare = world.path("fleet/acme/shop.git");
    assert!(world.git(&bare, &["for-each-ref", "--format=%(refname)", "refs/heads/homeostat/"]).contains(&branch));
    world.stage("outcomes", &["--repo", "acme/nowhere"]).ends_with(2).says(&["acme/nowhere", "acme/shop"]);
}
