//! What docs/SETTINGS.md tells of a service.

/// It has a row for each setting and for nothing else. `told` is what the service says of a setting that is not there.
pub fn settings_are_described(service: &str, told: &str) {
    let page = include_str!("../../../docs/SETTINGS.md");
    let (_, known) = told.split_once("there are ").expect("it tells of those");
    let known: Vec<_> = known.split(", ").collect();
    for name in &known {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    let described = page.matches(&format!("| `GANTRY_{service}_")).count();
    assert_eq!(described, known.len());
}
