//! As what agents get workflows.

use model::Project;
use wire::Primitive;

use super::{FILM, PERSON, folder, mistakes, parse_whole, shown};

fn said(offer: &str, rest: &str) -> String {
    format!(
        "workflow: w\noffer: {offer}\ninputs: {{ film: {{ type: uuid, required: true }}, resourceUri: {{ type: text }} }}\n{rest}"
    )
}

const READS: &str = "steps: [{ node: Film.read, with: { id: '{{ inputs.film }}' } }]";

#[test]
fn a_workflow_is_a_tool_unless_it_says_otherwise() {
    let primitive = |offer: &str| parse_whole(&said(offer, READS)).primitive;
    assert_eq!(primitive("tool"), Primitive::Tool);
    assert_eq!(primitive("prompt"), Primitive::Prompt);
    let uri = "cinema://films/{film}";
    let offer = format!("{{ resource: '{uri}', type: text/markdown; charset=utf-8 }}");
    let Primitive::Resource {
        uri: said,
        media_type,
        ..
    } = primitive(&offer)
    else {
        panic!("it is a resource");
    };
    assert_eq!(said, uri);
    assert_eq!(media_type.as_deref(), Some("text/markdown; charset=utf-8"));
    assert_eq!(
        parse_whole("workflow: w\nsteps: [{ wait: 1s }]").primitive,
        Primitive::Tool
    );
}

#[test]
fn what_only_reads_may_be_read() {
    for (offer, rest, expected) in [
        (
            "poem",
            READS,
            "poem: `offer` must be one of tool, prompt, not `poem`",
        ),
        (
            "{ type: text/plain }",
            READS,
            "{ : `offer` has no `resource`",
        ),
        (
            "{ resource: films }",
            READS,
            "films: it begins with a scheme in lower case",
        ),
        (
            "{ resource: 'gantry://films/{film}' }",
            READS,
            "gantry: is the platform's own",
        ),
        (
            "{ resource: 'cinema://{flim}/{film}' }",
            READS,
            "flim: there is no input `flim` (did you mean `film`?)",
        ),
        (
            "{ resource: 'cinema://films' }",
            READS,
            "the input film must be given, and is not in the address",
        ),
        (
            "{ resource: 'cinema://{film}', type: markdown }",
            READS,
            "markdown: `markdown` is no media type (write text/markdown)",
        ),
        (
            "prompt\ntask: required",
            READS,
            "required: a prompt or a resource is waited for, and never a task",
        ),
        (
            "prompt",
            "steps: [{ node: Film.create, with: { title: x } }]",
            "Film.create: Film.create may change something, and a prompt or a resource only reads",
        ),
        (
            "prompt",
            "steps: [{ try: [{ node: email, with: { to: a@b.c, subject: x, text: x } }] }]",
            "email: email may change something",
        ),
        (
            "{ resource: 'cinema://{film}' }",
            "steps: [{ node: http.request, with: { url: 'https://example.org', method: POST } }]",
            "http.request may change something",
        ),
    ] {
        let found = mistakes(&said(offer, rest));
        assert!(found.contains(expected), "{offer} {rest}\n{found}");
    }
    let asks = "steps: [{ node: http.request, with: { url: 'https://example.org' } }, { approve: { message: Now? } }]";
    assert_eq!(mistakes(&said("prompt", asks)), "");
}

#[test]
fn what_is_called_counts_too() {
    let load = |called: &str| {
        let one = "workflow: one\noffer: { resource: 'x://one' }\nsteps: [{ workflow: two }, { node: Film.count }]";
        let two = "workflow: two\nsteps: [{ workflow: three }]";
        let folder = folder(&[
            ("models/film.yaml", FILM),
            ("models/person.yaml", PERSON),
            ("workflows/one.yaml", one),
            ("workflows/two.yaml", two),
            (
                "workflows/three.yaml",
                &format!("workflow: three\nsteps: [{called}]"),
            ),
        ]);
        Project::load(folder.path()).map_err(shown)
    };
    let project = load("{ node: Person.list }").unwrap();
    let one = &project.workflows[0];
    let Primitive::Resource { reads, .. } = &one.primitive else {
        panic!("{:?}", one.primitive);
    };
    assert_eq!(reads, &["Film", "Person"]);
    assert!(one.effects.hints.read_only);
    let wrong = load("{ node: Person.create, with: { name: x } }").unwrap_err();
    assert!(wrong.contains("workflows/one.yaml:3:"), "{wrong}");
    assert!(wrong.contains("two may change something"), "{wrong}");
}

#[test]
fn an_address_is_one_workflow_s() {
    let of = |name: &str| {
        format!("workflow: {name}\noffer: {{ resource: 'x://one' }}\nsteps: [{{ wait: 1s }}]")
    };
    let folder = folder(&[
        ("workflows/a.yaml", &of("a")),
        ("workflows/b.yaml", &of("b")),
    ]);
    let wrong = Project::load(folder.path()).map_err(shown).unwrap_err();
    assert!(
        wrong.contains("the workflow a has that address already"),
        "{wrong}"
    );
}
