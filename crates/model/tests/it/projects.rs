//! A folder becomes a project.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use model::{Algorithm, Filter, Issuer, KeySource, Kind, Limits, OnDelete, Project, System, Value};

use super::mistakes::load;

pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn told(files: &[(&str, &str)]) -> Vec<String> {
    let mistakes = Project::load(folder(files).path()).unwrap_err();
    mistakes
        .iter()
        .map(|m| format!("{}:{}:{} {}", m.file.display(), m.line, m.column, m.message))
        .collect()
}

#[test]
fn a_model_file_is_read_whole() {
    let film = include_str!("../../examples/model.yaml");
    let person = "model: Person\nfields: { name: { type: text, unique: true, collate: nocase } }\n";
    let models = load(&[("film.yaml", film), ("person.yaml", person)]).unwrap();
    let film = models.get("Film").unwrap();
    let names: Vec<_> = film
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "id",
            "title",
            "released",
            "gross",
            "rating",
            "mood",
            "director",
            "created_at",
            "updated_at",
            "created_by",
            "_version",
            "deleted_at"
        ]
    );
    let field = |name: &str| film.field(film.find(name).unwrap());
    assert_eq!(
        (
            field("title").max_len,
            field("title").required,
            field("title").search
        ),
        (Some(300), true, true)
    );
    assert_eq!(field("rating").max, Some(Value::Decimal(10.into())));
    assert_eq!(field("mood").default, Some(Value::Text("light".to_owned())));
    assert_eq!(
        field("director").kind,
        Kind::Ref {
            model: "Person".to_owned(),
            on_delete: OnDelete::SetNull
        }
    );
    let ids = |names: &[&str]| {
        names
            .iter()
            .map(|name| film.find(name).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(film.uniques, [ids(&["title", "released"])]);
    assert_eq!(film.indexes, [ids(&["released"]), ids(&["director"])]);
    assert!(film.options.soft_delete && film.system(System::Tenant).is_none());
    assert_eq!(film.access.len(), 2);
    assert!(matches!(film.access[1].filter, Some(Filter::Test { .. })));
    assert_eq!(models.referrers("Person").len(), 1);
    assert!(models.get("Person").unwrap().fields[1].nocase);
}

#[test]
fn an_empty_folder_is_a_project_of_defaults() {
    let folder = folder(&[]);
    let project = Project::load(folder.path()).unwrap();
    assert_eq!(project.settings, model::ProjectSettings::default());
    assert_eq!(
        project.name,
        folder.path().file_name().unwrap().to_string_lossy()
    );
    assert!(Project::load(Path::new("/no/such/folder")).is_err());
}

#[test]
fn gantry_yaml_is_read() {
    let text = "\
name: films
database: { url: 'sqlite:x.db', pool: 5, statement_timeout: 500ms }
listen: 127.0.0.1:80
limits: { body_bytes: 1MiB, page_max: 20, deadline: 5s }
";
    let project = Project::load(folder(&[("gantry.yaml", text)]).path()).unwrap();
    assert_eq!(project.name, "films");
    let settings = project.settings;
    assert_eq!(
        (settings.database_url.as_deref(), settings.pool),
        (Some("sqlite:x.db"), Some(5))
    );
    assert_eq!(settings.statement_timeout, Some(Duration::from_millis(500)));
    let limits = Limits {
        body_bytes: 1 << 20,
        page: 20,
        page_max: 20,
        deadline: Duration::from_secs(5),
        ..Limits::default()
    };
    assert_eq!(settings.limits, limits);
    assert!(Project::load(folder(&[("gantry.yaml", "# nothing\n")]).path()).is_ok());
    assert_eq!(
        told(&[(
            "gantry.yaml",
            "database: { url: mysql://x }\nlisten: here\nlimits: { pages: 3, deadline: 0s, page: 2000 }\n"
        )]),
        [
            "gantry.yaml:1:18 this is no database that Gantry knows",
            "gantry.yaml:2:9 `here` is no address with a port",
            "gantry.yaml:3:11 `pages` is no key of `limits`",
            "gantry.yaml:3:31 `deadline` is more than nothing",
            "gantry.yaml:3:41 a page of 2000 is more than page_max, 1000",
        ]
    );
}

#[test]
fn whose_tokens_are_taken_is_read() {
    let text = "\
auth:
  audience: https://data.example.com
  issuers:
    - { issuer: https://Login.example.com/, keys: https://login.example.com/jwks.json }
    - issuer: https://sso.example.com/realms/a
      name: staff
      secret_file: /run/secrets/hs
      algorithms: [HS512]
      roles: realm_access.roles
      tenant: org_id
      subject: email
      leeway: 5s
    - { issuer: http://keycloak:8080/a, keys: http://keycloak:8080/certs, ca_file: ca.pem }
    - { issuer: here, keys: keys/set.json }
    - { issuer: there, keys: 'file:/run/secrets/set' }
";
    let project = Project::load(folder(&[("gantry.yaml", text)]).path()).unwrap();
    let auth = project.settings.auth;
    assert_eq!(auth.audience, ["https://data.example.com"]);
    let plain = Issuer {
        name: "login".to_owned(),
        issuer: "https://Login.example.com/".to_owned(),
        keys: KeySource::Address("https://login.example.com/jwks.json".to_owned()),
        ca_file: None,
        algorithms: None,
        roles: "roles".to_owned(),
        tenant: None,
        subject: "sub".to_owned(),
        leeway: Duration::from_secs(30),
    };
    let staff = Issuer {
        name: "staff".to_owned(),
        issuer: "https://sso.example.com/realms/a".to_owned(),
        keys: KeySource::Secret("/run/secrets/hs".into()),
        ca_file: None,
        algorithms: Some(vec![Algorithm::Hs512]),
        roles: "realm_access.roles".to_owned(),
        tenant: Some("org_id".to_owned()),
        subject: "email".to_owned(),
        leeway: Duration::from_secs(5),
    };
    assert_eq!(auth.issuers[..2], [plain, staff]);
    let rest = auth.issuers[2..].iter();
    let rest: Vec<_> = rest
        .map(|issuer| (issuer.name.as_str(), &issuer.keys))
        .collect();
    let file = |path: &str| KeySource::File(path.into());
    let address = KeySource::Address("http://keycloak:8080/certs".to_owned());
    assert_eq!(
        rest,
        [
            ("keycloak", &address),
            ("here", &file("keys/set.json")),
            ("there", &file("/run/secrets/set")),
        ]
    );
}

#[test]
fn mistakes_about_issuers_have_their_place() {
    let of = |issuer: &str| {
        let text = format!("auth:\n  audience: [a]\n  issuers:\n    - {{ {issuer} }}\n");
        told(&[("gantry.yaml", &text)])
    };
    let plain = "issuer: https://a.b/, keys: https://a.b/j";
    for (issuer, expected) in [
        ("keys: https://a.b/j", "4:7 `issuers` has no `issuer`"),
        ("issuer: https://a.b/", "4:7 this issuer has no `keys`"),
        (
            "issuer: https://a.b/, keys: k.json, secret_file: s",
            "4:58 an issuer has `keys` or a `secret_file`, not both",
        ),
        (
            "issuer: https://a.b/, keys: ../k.json",
            "4:37 `../k.json` is no file below the project",
        ),
        (
            "issuer: https://a.b/, keys: http://a.b/j",
            "4:37 keys over http are taken from this machine or a service beside this one only",
        ),
        (
            "issuer: https://a.b/, keys: http://10.0.0.1/j",
            "4:37 keys over http are taken from this machine or a service beside this one only",
        ),
        (
            "issuer: https://a.b/, keys: ftp://a.b/j",
            "4:37 keys are fetched by https, not ftp",
        ),
        (
            "issuer: https://a.b/, keys: 'https://a@b/j'",
            "4:37 `https://a@b/j` is no address of keys",
        ),
        (
            "issuer: https://1.2.3.4/, keys: https://a.b/j",
            "4:7 this issuer needs a `name`",
        ),
        (
            &format!("{plain}, name: A b"),
            "4:58 an issuer's name is 1 to 32 of a-z, 0-9 and -, a letter first",
        ),
        (
            &format!("{plain}, algorithms: [RS256, none]"),
            "4:72 `algorithms` must be one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, not `none`",
        ),
        (
            &format!("{plain}, algorithms: [HS256]"),
            "4:65 HS256 needs a secret, not public keys",
        ),
        (
            "issuer: https://a.b/, secret_file: s, algorithms: [ES256]",
            "4:60 ES256 needs public keys, not a secret",
        ),
        (
            &format!("{plain}, leeway: 1h"),
            "4:60 a leeway is 5m at most",
        ),
        (
            &format!("{plain} }}\n    - {{ {plain}"),
            "5:17 the issuer `https://a.b/` stands twice",
        ),
        (
            &format!("{plain} }}\n    - {{ issuer: https://a.c/, keys: https://a.c/j"),
            "5:7 two issuers have the name `a`",
        ),
        (
            &format!("{plain}, rolls: r"),
            "4:52 `rolls` is no key of `issuers`",
        ),
    ] {
        assert_eq!(of(issuer), [format!("gantry.yaml:{expected}")], "{issuer}");
    }
    let text = format!("auth:\n  issuers: [{{ {plain} }}]\n");
    let expected = "gantry.yaml:2:12 issuers need an `audience` that their tokens are for";
    assert_eq!(told(&[("gantry.yaml", &text)]), [expected]);
}

#[test]
fn mistakes_of_every_kind_of_file_come_together() {
    let told = told(&[
        ("models/film.yml", "model: Film"),
        (
            "models/genre.yaml",
            "model: Genre\nfields: { name: { type: text } }",
        ),
        ("workflows/a.yaml", "workflow: a\nstep: []"),
        ("groups/g.yaml", "group: g\nnodes: [Film.list]\nmore: 1"),
        (
            "data/x.seed.yaml",
            "seed: x\nfile: y.csv\nmodel: Genr\nfields: {}",
        ),
        ("data/x.csv", "a\n"),
    ]);
    assert_eq!(
        told,
        [
            "data/x.seed.yaml:2:7 there is no file data/y.csv",
            "groups/g.yaml:2:9 there is no model `Film`",
            "groups/g.yaml:3:1 `more` is no key of `group`",
            "models/film.yml:1:1 the file's name ends in .yml, so it would not be read",
            "workflows/a.yaml:1:1 `workflow` has no `steps`",
            "workflows/a.yaml:2:1 `step` is no key of `workflow`",
        ]
    );
}

#[test]
fn the_name_can_be_had_of_a_project_with_mistakes() {
    let mistaken = ("models/film.yaml", "model: film");
    let named = folder(&[("gantry.yaml", "name: films\nlimitz: {}\n"), mistaken]);
    assert_eq!(model::project_name(named.path()), "films");
    let unnamed = folder(&[mistaken]);
    let own = unnamed.path().file_name().unwrap().to_string_lossy();
    assert_eq!(model::project_name(unnamed.path()), own);
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let folder = folder(&[("models/a.yaml", "")]);
    fs::write(
        folder.path().join("models/a.yaml"),
        b"model: A\nabout: \xff\n",
    )
    .unwrap();
    let mistakes = Project::load(folder.path()).unwrap_err();
    assert_eq!(
        (mistakes[0].line, mistakes[0].message.as_str()),
        (2, "the file is not UTF-8")
    );
}

#[test]
fn a_thousand_models_load() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    for number in 0..1_000 {
        let next = (number + 1) % 1_000;
        let text = format!(
            "model: Film{number}\nabout: Number {number}.\nfields:\n  title: {{ type: text, required: true, max: 300, search: true }}\n  \
             released: {{ type: date, index: true }}\n  gross: {{ type: int, min: 0 }}\n  rating: {{ type: decimal, min: 0, max: 10 }}\n  \
             next: {{ ref: Film{next}, on_delete: set_null }}\nunique: [[title, released]]\noptions: {{ soft_delete: true }}\naccess:\n  \
             - {{ role: anyone, can: [read] }}\n  - {{ role: editor, can: [update], where: {{ created_by: {{ eq: $caller.id }} }} }}\n"
        );
        fs::write(
            folder.path().join(format!("models/film{number}.yaml")),
            text,
        )
        .unwrap();
    }
    let start = Instant::now();
    let project = Project::load(folder.path()).unwrap();
    let took = start.elapsed();
    assert_eq!(project.models.iter().len(), 1_000);
    // Seen with `--nocapture`; a figure that fails on a busy machine would teach to look away.
    eprintln_duration(took);
}

#[expect(
    clippy::print_stderr,
    reason = "a measurement for whoever runs the test with --nocapture"
)]
fn eprintln_duration(took: Duration) {
    eprintln!("1,000 models loaded in {took:?}");
}
