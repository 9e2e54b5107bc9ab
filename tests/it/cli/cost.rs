//! `cost` as people start it: over nothing, over what runs left, and as a gate of CI.

use super::world::World;

#[test]
fn without_any_record_the_price_table_and_a_stated_mix_are_reckoned_with() {
    let world = World::empty();
    let told = world.homeostat(&["cost", "--format", "json"]).ends_with(0).json();
    assert_eq!((&told["basis"], &told["configured"]), (&"assumed".into(), &false.into()), "{told}");
    let thousand = told["per_thousand_microusd"].as_u64().expect("a number");
    assert!(thousand > 0 && told["assumed"]["all_complex_microusd"].as_u64() > Some(thousand), "{told}");
    let text = world.homeostat(&["cost"]).ends_with(0).stdout;
    for says in ["Nothing is recorded here", "an example of tiers", " 70 of 100 simple", "a thousand all complex"] {
        assert!(text.contains(says), "{says}: {text}");
    }
    let mixed = world.homeostat(&["cost", "--mix", "0,0,100", "--format", "json"]).ends_with(0).json();
    assert_eq!(mixed["per_thousand_microusd"], mixed["assumed"]["all_complex_microusd"]);
    world.homeostat(&["cost", "--mix", "70,25"]).ends_with(2).says(&["70,25,5"]);
}

#[test]
fn the_projection_by_the_built_in_prices_stays_below_the_aim() {
    let world = World::empty();
    world.homeostat(&["cost", "--max-per-1000", "9.28"]).ends_with(0);
    world.homeostat(&["cost", "--max-per-1000", "0.01"]).ends_with(1);
    world.homeostat(&["cost", "--max-per-1000", "much"]).ends_with(2).says(&["US dollars"]);
}

#[test]
fn configured_tiers_and_prices_are_what_counts_and_a_model_without_a_price_is_named() {
    let world = World::empty();
    let config =
        |ai: &str| world.write("repos.yml", format!("version: 1\nai:\n{ai}repositories:\n  - slug: acme/shop\n"));
    let providers = "  providers: { house: { kind: openai, base_url: \"http://127.0.0.1:9/v1\" } }\n";
    config(&format!("{providers}  tiers: {{ simple: {{ model: house/qwen }} }}\n"));
    world.homeostat(&["cost", "--config", "repos.yml"]).ends_with(2).says(&["house/qwen has no price", "ai.prices"]);
    config(&format!(
        "{providers}  tiers: {{ simple: {{ model: house/qwen }} }}\n  prices: {{ house/qwen: {{ input: 0.10, output: 0.50 }} }}\n"
    ));
    let told = world.homeostat(&["cost", "--config", "repos.yml", "--format", "json"]).ends_with(0).json();
    assert_eq!((&told["configured"], &told["per_thousand_microusd"]), (&true.into(), &1_000_000.into()), "{told}");
    config("  tiers: { simple: { model: hose/qwen } }\n");
    world
        .homeostat(&["cost", "--config", "repos.yml"])
        .ends_with(2)
        .says(&["No provider has the name", "ai.providers"]);
}

#[test]
fn what_runs_left_is_counted_and_fixes_by_patterns_cost_nothing() {
    let world = World::new();
    world.run(&[]).ends_with(0);
    let told = world.homeostat(&["cost", "--format", "json", "--advise"]).ends_with(0).json();
    let recorded = &told["recorded"];
    assert_eq!(
        (&told["basis"], &recorded["total"]["fixes"], &recorded["zero_cost_fixes"], &told["per_thousand_microusd"]),
        (&"recorded".into(), &1.into(), &1.into(), &0.into()),
        "{told}"
    );
    assert_eq!(recorded["by_repository"]["acme/shop"]["attempts"], 1);
    assert_eq!(told.get("advice"), None, "nothing that was free can be saved: {told}");
    let text = world.homeostat(&["cost"]).ends_with(0).stdout;
    assert!(text.contains("acme/shop") && text.contains("of them 1 for nothing"), "{text}");
}
