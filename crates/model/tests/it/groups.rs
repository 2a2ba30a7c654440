//! Groups of nodes, and what people see who made a mistake in one.

use model::{Group, Project};
use wire::{NodeName, Tools};

use super::projects::folder;

const FILM: (&str, &str) = (
    "models/film.yaml",
    "model: Film\nfields: { title: { type: text, search: true } }\noptions: { tools: true }\n",
);
const PERSON: (&str, &str) = (
    "models/person.yaml",
    "model: Person\nfields: { name: { type: text } }\noptions: { soft_delete: true }\n",
);

fn told(files: &[(&str, &str)]) -> String {
    let mistakes = Project::load(folder(files).path()).unwrap_err();
    let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    told.join("\n")
}

/// A mistake of the only item of a group's nodes, with its hint.
fn refused(item: &str, expected: &str, hint: &str) {
    let group = format!("group: g\nnodes: [\"{item}\"]\n");
    let folder = folder(&[FILM, PERSON, ("groups/g.yaml", &group)]);
    let mistakes = Project::load(folder.path()).unwrap_err();
    let [mistake] = &mistakes[..] else {
        panic!("{item}: {mistakes:?}")
    };
    assert_eq!((mistake.line, mistake.column), (2, 9), "{item}");
    assert_eq!(mistake.message, expected, "{item}");
    assert_eq!(mistake.hint.as_deref().unwrap_or_default(), hint, "{item}");
}

#[test]
fn groups_are_read_by_name_with_wildcards_spelled_out() {
    let project = Project::load(
        folder(&[
            FILM,
            PERSON,
            ("gantry.yaml", "mcp: { tools: generic }\n"),
            ("groups/a.yaml", "group: watch\nnodes: [changes]\n"),
            (
                "groups/b.yaml",
                "group: keys\nabout: For whoever hands them out.\ntools: typed\nnodes: [key.*, Film.list, Person.*]\n",
            ),
        ])
        .path(),
    );
    let project = project.unwrap();
    assert_eq!(project.settings.tools, Tools::Generic);
    let tools = |model: &str| project.models.get(model).unwrap().options.tools;
    assert_eq!((tools("Film"), tools("Person")), (true, false));
    let [keys, watch] = &project.groups[..] else {
        panic!("{:?}", project.groups)
    };
    assert_eq!(
        (keys.name.as_str(), keys.about.as_str(), keys.tools),
        ("keys", "For whoever hands them out.", Tools::Typed)
    );
    let names = |group: &Group| {
        let names: Vec<_> = group.nodes.iter().map(NodeName::as_str).collect();
        names.join(" ")
    };
    assert_eq!(
        names(keys),
        "key.create key.list key.revoke Film.list Person.create Person.read Person.update Person.replace \
         Person.delete Person.restore Person.list Person.count Person.upsert Person.aggregate Person.bulk_create \
         Person.bulk_update Person.bulk_delete Person.bulk_upsert Person.bulk"
    );
    assert_eq!((watch.tools, &*names(watch)), (Tools::Auto, "changes"));
}

#[test]
fn mistakes_of_groups_come_with_those_of_other_files() {
    let first = "\
group: Research
tools: type
nodes: [Flim.list, Film.lst, auth.verify, Film.list, 'Film.*']
node: []
";
    insta::assert_snapshot!(told(&[
        FILM,
        PERSON,
        ("gantry.yaml", "mcp: { tool: typed }\n"),
        ("groups/a.yaml", first),
        ("groups/b.yaml", "group: b\nnodes: [tx, tx]\n"),
        ("groups/c.yaml", "group: b\nnodes: []\n"),
        ("groups/d.yaml", "about: none\n"),
    ]), @"
    gantry.yaml:1:8: `tool` is no key of `mcp`
       |
     1 | mcp: { tool: typed }
       |        ^^^^ did you mean `tools`?
    groups/a.yaml:1:8: a group's name is lower-case letters, digits, - and _, as in research, not `Research`
       |
     1 | group: Research
       |        ^^^^^^^^
    groups/a.yaml:2:8: `tools` must be one of auto, typed, generic, not `type`
       |
     2 | tools: type
       |        ^^^^ did you mean `typed`?
    groups/a.yaml:3:9: there is no model `Flim`
       |
     3 | nodes: [Flim.list, Film.lst, auth.verify, Film.list, 'Film.*']
       |         ^^^^^^^^^ did you mean `Film`?
    groups/a.yaml:3:20: Film has no node `lst`
       |
     3 | nodes: [Flim.list, Film.lst, auth.verify, Film.list, 'Film.*']
       |                    ^^^^^^^^ did you mean `list`?
    groups/a.yaml:3:30: `auth.verify` is for the platform's own services, so no group offers it
       |
     3 | nodes: [Flim.list, Film.lst, auth.verify, Film.list, 'Film.*']
       |                              ^^^^^^^^^^^
    groups/a.yaml:3:54: `Film.*` and `Film.list` offer the same nodes
       |
     3 | nodes: [Flim.list, Film.lst, auth.verify, Film.list, 'Film.*']
       |                                                      ^^^^^^^^
    groups/a.yaml:4:1: `node` is no key of `group`
       |
     4 | node: []
       | ^^^^ did you mean `nodes`?
    groups/b.yaml:2:13: `tx` stands twice
       |
     2 | nodes: [tx, tx]
       |             ^^
    groups/c.yaml:1:8: there is another group `b`, in groups/b.yaml
       |
     1 | group: b
       |        ^
    groups/c.yaml:2:8: `nodes` is an empty list
       |
     2 | nodes: []
       |        ^
    groups/d.yaml:1:1: `group` has no `group`
       |
     1 | about: none
       | ^
    groups/d.yaml:1:1: `group` has no `nodes`
       |
     1 | about: none
       | ^
    ");
}

#[test]
fn what_is_no_node_is_refused_with_the_nearest_that_is() {
    refused(
        "Flim.list",
        "there is no model `Flim`",
        "did you mean `Film`?",
    );
    refused(
        "Film.lits",
        "Film has no node `lits`",
        "did you mean `list`?",
    );
    refused(
        "Film.watch",
        "Film has no node `watch`",
        "it has create, read, update, replace, delete, list, count, upsert, aggregate, search, bulk_create, bulk_update, bulk_delete, bulk_upsert, bulk, or * for all",
    );
    refused(
        "Film.restore",
        "Film has no node `restore`",
        "its model would say options: { soft_delete: true }",
    );
    refused(
        "Person.search",
        "Person has no node `search`",
        "its model would say search: true of a text",
    );
    refused(
        "Film",
        "`Film` is a model, and a group offers nodes",
        "write Film.* for all of them",
    );
    refused(
        "film.list",
        "there is no node `film.list`",
        "did you mean `Film.list`?",
    );
    refused("film", "there is no node `film`", "did you mean `Film.*`?");
    refused(
        "change",
        "there is no node `change`",
        "did you mean `changes`?",
    );
    refused(
        "key.make",
        "there is no node `key.make`",
        "write Film.list or Film.* of a model, or one of tx, changes, key.create, key.list, key.revoke, migration.list, run.read, run.steps, run.list, run.cancel, run.retry, run.replay, run.signal, run.approve, session.open, session.read, session.write, session.list, session.close",
    );
    refused(
        "*",
        "there is no node `*`",
        "write Film.list or Film.* of a model, or one of tx, changes, key.create, key.list, key.revoke, migration.list, run.read, run.steps, run.list, run.cancel, run.retry, run.replay, run.signal, run.approve, session.open, session.read, session.write, session.list, session.close",
    );
    for hidden in ["auth.verify", "auth.*"] {
        refused(
            hidden,
            &format!("`{hidden}` is for the platform's own services, so no group offers it"),
            "",
        );
    }
}

#[test]
fn a_model_with_mistakes_makes_none_in_groups() {
    let told = told(&[
        (
            "models/film.yaml",
            "model: Film\nfields: { title: { type: txt } }\n",
        ),
        (
            "groups/g.yaml",
            "group: g\nnodes: [Film.list, Film.count]\n",
        ),
    ]);
    assert!(
        told.contains("models/film.yaml") && !told.contains("groups/"),
        "{told}"
    );
}
