//! `gantry secrets`: names and places are told, values never.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::args::{Certificate, Output, Secrets, SecretsVerb, StackName, StackSecrets};
use crate::failure::Failure;
use crate::secrets::{self, CertificateWish, Done, Secret};
use crate::stack::Place;

pub fn run(args: &Secrets, output: Output) -> Result<(), Failure> {
    match &args.verb {
        SecretsVerb::Init(args) => {
            let place = place(&args.project, &args.secrets)?;
            let done = init(&place, &wish(&args.certificate))?;
            tell(&place, &done, output, false)
        }
        SecretsVerb::Rotate(args) => {
            let place = place(&args.project, &args.secrets)?;
            let done = secrets::rotate(&place.secrets, &args.names, &wish(&args.certificate))?;
            tell(&place, &done, output, true)
        }
    }
}

/// Makes what is missing, and tells compose where it is.
pub fn init(place: &Place, wish: &CertificateWish<'_>) -> Result<Done, Failure> {
    let mut done = secrets::init(&place.secrets, wish)?;
    let lines = [
        ("GANTRY_SECRETS", place.secrets_named.as_str()),
        ("GANTRY_STACK_NAME", place.name.as_str()),
    ];
    if let Some(line) = place.dotenv.offer(&place.folder, &lines)? {
        done.notes.push(format!(
            "for plain `docker compose`, {}/.env lacks the line {line}",
            place.folder.display()
        ));
    }
    Ok(done)
}

fn place(project: &Path, secrets: &StackSecrets) -> Result<Place, Failure> {
    Place::of(project, &StackName { name: None }, Some(secrets))
}

fn wish(certificate: &Certificate) -> CertificateWish<'_> {
    CertificateWish {
        hosts: &certificate.hosts,
        own: certificate.certificate.as_deref(),
    }
}

fn tell(place: &Place, done: &Done, output: Output, rotated: bool) -> Result<(), Failure> {
    let readers = secrets::readers(&done.made);
    let mut out = anstream::stdout();
    let mut err = anstream::stderr();
    if output == Output::Json {
        let mut told = json!({
            "folder": done.folder,
            "made": names(&done.made),
            "kept": names(&done.kept),
            "notes": done.notes,
        });
        if rotated {
            told["restart"] = json!(readers);
        }
        writeln!(out, "{told}")?;
        return Ok(());
    }
    for (secrets, what) in [(&done.made, "made"), (&done.kept, "kept")] {
        for secret in secrets {
            let path = done.folder.join(secret.name());
            writeln!(out, "{what}  {}", path.display())?;
        }
    }
    for note in &done.notes {
        writeln!(err, "\nnote: {note}")?;
    }
    if rotated && !readers.is_empty() {
        writeln!(
            err,
            "\nThese services read them when they start: {}. `gantry up --stack … {}` starts them anew.",
            readers.join(", "),
            place.folder.display()
        )?;
    }
    Ok(())
}

fn names(secrets: &[Secret]) -> Vec<Value> {
    secrets.iter().map(|secret| secret.name().into()).collect()
}
