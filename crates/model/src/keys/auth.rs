//! `auth:` of gantry.yaml.

use crate::Algorithm;
use crate::shape::{Shape, Table, key, required};

pub(super) static AUTH: Table = Table {
    hint: "",
    keys: &[
        key(
            "audience",
            Shape::Either(&Shape::Text, &Shape::List(&Shape::Text)),
            "What this platform is called in tokens' `aud`, of which a token must name one: its public address, most often.",
        ),
        key(
            "issuers",
            Shape::List(&Shape::Map(&ISSUER)),
            "Whose tokens are taken beside API keys.",
        ),
    ],
};

static ISSUER: Table = Table {
    hint: "it as { issuer: https://login.example.com/, keys: https://login.example.com/jwks.json }",
    keys: &[
        required(
            "issuer",
            Shape::Text,
            "Exactly as its tokens' `iss` says it.",
        ),
        key(
            "name",
            Shape::Text,
            "Stands before the subject in ids of callers, as in login:8f14; the first label of the issuer's host unless said.",
        ),
        key(
            "keys",
            Shape::Text,
            "Its key set (JWKS): an https address, a file below the project, or file: and a path.",
        ),
        key(
            "secret_file",
            Shape::Text,
            "Instead of keys, a file with the secret of HS256, HS384 or HS512, 32 bytes at least.",
        ),
        key(
            "ca_file",
            Shape::Text,
            "A PEM file with the roots to trust for the address of the keys, instead of the public ones.",
        ),
        key(
            "algorithms",
            Shape::List(&Shape::Word(&Algorithm::NAMES)),
            "How its tokens may be signed; as its keys allow unless said.",
        ),
        key(
            "roles",
            Shape::Text,
            "The claim with the roles, a list or a text with spaces; dots lead into objects. `roles` unless said.",
        ),
        key(
            "tenant",
            Shape::Text,
            "The claim with the tenant. A token without it is refused where this is said.",
        ),
        key(
            "subject",
            Shape::Text,
            "The claim that tells who it is; `sub` unless said.",
        ),
        key(
            "leeway",
            Shape::Duration,
            "How far its clock may be off; 30s unless said.",
        ),
    ],
};
