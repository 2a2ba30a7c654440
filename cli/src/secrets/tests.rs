//! Secrets are made once, replaced on request, and nothing of theirs is shown.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(".gantry/secrets");
    (root, folder)
}

fn value(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn the_folder_guards_files_that_everybody_inside_may_read() {
    let (_root, folder) = folder();
    let done = init(&folder, &CertificateWish::default()).unwrap();
    assert_eq!(
        (done.made.len(), done.kept.len(), done.notes.len()),
        (5, 0, 0)
    );
    assert_eq!(mode(&folder), 0o700);
    for secret in Secret::ALL {
        assert_eq!(mode(&folder.join(secret.name())), 0o444, "{secret:?}");
    }
    let password = value(&folder, "postgres_password");
    assert_eq!(password.len(), PASSWORD_LEN);
    assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(password, value(&folder, "redis_password"));
    let key = value(&folder, "admin_key");
    assert!(
        dataflow::token::split(&key).is_some(),
        "the server reads it"
    );

    let again = init(&folder, &CertificateWish::default()).unwrap();
    assert_eq!((again.made.len(), again.kept.len()), (0, 5));
    assert_eq!(password, value(&folder, "postgres_password"));
}

#[test]
fn a_new_value_keeps_the_old_one_for_one_generation() {
    let (_root, folder) = folder();
    init(&folder, &CertificateWish::default()).unwrap();
    assert_eq!(changed_at(&folder, "redis_password"), None);
    let mut seen = vec![value(&folder, "redis_password")];
    for _ in 0..2 {
        let names = ["redis_password".to_owned()];
        let done = rotate(&folder, &names, &CertificateWish::default()).unwrap();
        assert_eq!(done.made, [Secret::RedisPassword]);
        assert_eq!(value(&folder, "redis_password.old"), *seen.last().unwrap());
        seen.push(value(&folder, "redis_password"));
        assert_eq!(mode(&folder.join("redis_password")), 0o444);
        assert_eq!(mode(&folder.join("redis_password.old")), 0o400);
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
    assert!(changed_at(&folder, "redis_password").is_some());
    let done = rotate(&folder, &[], &CertificateWish::default()).unwrap();
    assert_eq!(done.made, Secret::ALL);
    assert_eq!(
        readers(&done.made),
        [
            "backup", "dataflow", "edge", "neo4j", "postgres", "redis", "seed"
        ]
    );
    let unknown = rotate(
        &folder,
        &["redis_pasword".to_owned()],
        &CertificateWish::default(),
    );
    insta::assert_snapshot!(unknown.unwrap_err().to_json(), @r#"
    {"code":"not_found","detail":"there is no secret `redis_pasword`","hint":"did you mean `redis_password`?"}
    "#);
}

#[test]
fn a_certificate_of_ones_own_is_looked_at_and_not_replaced_by_ours() {
    let (root, folder) = folder();
    let own = root.path().join("own.pem");
    let wish = CertificateWish {
        own: Some(&own),
        ..CertificateWish::default()
    };
    let of = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (one, two) = (of("films.example"), of("films.example"));
    for (text, expected) in [
        (String::new(), "there is no certificate in it"),
        (one.cert.pem(), "there is no private key in it"),
        (
            format!("{}{}", one.cert.pem(), two.signing_key.serialize_pem()),
            "the key belongs to another certificate than the first",
        ),
    ] {
        fs::write(&own, text).unwrap();
        let refused = init(&folder, &wish).unwrap_err().to_json();
        assert!(
            refused["detail"].as_str().unwrap().contains(expected),
            "{refused}"
        );
    }
    let text = format!("{}{}", one.cert.pem(), one.signing_key.serialize_pem());
    fs::write(&own, &text).unwrap();
    init(&folder, &wish).unwrap();
    assert_eq!(value(&folder, "edge_certificate"), text);

    let done = rotate(&folder, &[], &CertificateWish::default()).unwrap();
    assert_eq!(done.kept, [Secret::EdgeCertificate]);
    let named = ["edge_certificate".to_owned()];
    rotate(&folder, &named, &CertificateWish::default()).unwrap_err();
    rotate(&folder, &named, &wish).unwrap();
    assert_eq!(value(&folder, "edge_certificate"), text);
}

#[test]
fn a_certificate_of_ours_names_this_machine_and_whom_one_asks_for() {
    let (_root, folder) = folder();
    let hosts = ["films.example".to_owned()];
    let wish = CertificateWish {
        hosts: &hosts,
        own: None,
    };
    init(&folder, &wish).unwrap();
    let pem = value(&folder, "edge_certificate");
    assert!(certificate::is_ours(&pem) && !certificate::is_ours("x"));
    let key = pem.find("BEGIN PRIVATE KEY").unwrap();
    assert!(pem.find("BEGIN CERTIFICATE").unwrap() < key);
    let bad = ["ö".to_owned()];
    let wish = CertificateWish {
        hosts: &bad,
        own: None,
    };
    let refused = rotate(&folder, &["edge_certificate".to_owned()], &wish);
    assert_eq!(refused.unwrap_err().to_json()["code"], "usage");
}

#[test]
fn links_and_modes_that_are_wrong_are_told() {
    let (root, folder) = folder();
    init(&folder, &CertificateWish::default()).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.join("admin_key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    fs::rename(folder.join("redis_password"), root.path().join("x")).unwrap();
    symlink(root.path().join("x"), folder.join("redis_password")).unwrap();
    let done = init(&folder, &CertificateWish::default()).unwrap();
    let notes = done.notes.join("\n");
    let notes = notes.replace(folder.to_str().unwrap(), "[folder]");
    insta::assert_snapshot!(notes, @r#"
    [folder] has mode 0755, which lets others in: `chmod 700 [folder]`
    [folder]/redis_password is a symbolic link: a container sees what it points to, and only if that can be mounted
    [folder]/admin_key has mode 0400: its service cannot read it; `chmod 444 [folder]/admin_key`
    "#);
    let link = root.path().join("link");
    symlink(&folder, &link).unwrap();
    let refused = init(&link, &CertificateWish::default()).unwrap_err();
    assert!(
        refused.to_json()["detail"]
            .as_str()
            .unwrap()
            .ends_with("is a symbolic link")
    );
}
