//! Which node a method and a path below `/api/v1/` mean. Pure; knows the shapes of paths, not the models.

use http::Method;
use percent_encoding::percent_decode_str;

/// What a path names, the method not yet looked at. Text is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tx,
    Changes,
    /// The catalogue.
    Nodes,
    Node(String),
    /// `{model}`
    Collection(String),
    /// `{model}:{verb}`
    Custom(String, Custom),
    /// `{model}/{id}`
    Record(String, String),
    /// `{model}/{id}:restore`
    Restore(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Custom {
    Bulk,
    Upsert,
    Count,
    Search,
    Query,
    Aggregate,
}

impl Custom {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("bulk", Self::Bulk),
        ("upsert", Self::Upsert),
        ("count", Self::Count),
        ("search", Self::Search),
        ("query", Self::Query),
        ("aggregate", Self::Aggregate),
    ];
}

/// What is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Catalogue,
    /// A node by its whole name.
    Node(String),
    /// A model's node: the model's path, the verb, the record's id.
    Model {
        path: String,
        verb: Verb,
        id: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `create` or `bulk_create`: the body decides.
    Create,
    Is(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Astray {
    /// Nothing has such a path; the nearest custom verb, where one was meant.
    NoSuchPath { hint: Option<String> },
    /// A segment is not percent-encoded UTF-8.
    Garbled,
    /// `Allow`.
    Method(&'static str),
    /// `OPTIONS`: what is allowed here.
    Options(&'static str),
}

/// `path` is what stands after `/api/v1/`, as it came.
pub(crate) fn route(method: &Method, path: &str) -> Result<Target, Astray> {
    let place = place(path)?;
    let allowed = allowed(&place);
    if method == Method::OPTIONS {
        return Err(Astray::Options(allowed));
    }
    target(method, place).ok_or(Astray::Method(allowed))
}

fn place(path: &str) -> Result<Place, Astray> {
    let lost = || Astray::NoSuchPath { hint: None };
    let mut segments = path.split('/').map(decode);
    let first = segments.next().ok_or_else(lost)??;
    let second = segments.next().transpose()?;
    if segments.next().is_some() || first.is_empty() || second.as_deref() == Some("") {
        return Err(lost());
    }
    match (first.as_str(), second) {
        ("tx", None) => Ok(Place::Tx),
        ("changes", None) => Ok(Place::Changes),
        ("call", None) => Ok(Place::Nodes),
        ("call", Some(node)) => Ok(Place::Node(node)),
        (_, None) => match first.split_once(':') {
            None => Ok(Place::Collection(first)),
            Some((model, verb)) => custom(model, verb),
        },
        (_, Some(_)) if first.contains(':') => Err(lost()),
        (_, Some(id)) => match id.split_once(':') {
            None => Ok(Place::Record(first, id)),
            Some((id, "restore")) => Ok(Place::Restore(first, id.to_owned())),
            Some((id, _)) => {
                let hint = Some(format!(
                    "`/api/v1/{first}/{id}:restore` is the only one of this kind"
                ));
                Err(Astray::NoSuchPath { hint })
            }
        },
    }
}

fn custom(model: &str, verb: &str) -> Result<Place, Astray> {
    if let Some((_, custom)) = Custom::ALL.iter().find(|(name, _)| *name == verb) {
        return Ok(Place::Custom(model.to_owned(), *custom));
    }
    let names: Vec<_> = Custom::ALL
        .iter()
        .map(|(name, _)| format!("`:{name}`"))
        .collect();
    let hint = Some(format!(
        "after a model's path may stand {}",
        names.join(", ")
    ));
    Err(Astray::NoSuchPath { hint })
}

fn decode(segment: &str) -> Result<String, Astray> {
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Astray::Garbled)
}

fn allowed(place: &Place) -> &'static str {
    match place {
        Place::Nodes | Place::Changes => "GET, HEAD, OPTIONS",
        Place::Collection(_) => "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
        Place::Record(..) => "GET, HEAD, PATCH, PUT, DELETE, OPTIONS",
        Place::Custom(_, Custom::Count) => "GET, HEAD, POST, OPTIONS",
        Place::Tx | Place::Node(_) | Place::Custom(..) | Place::Restore(..) => "POST, OPTIONS",
    }
}

fn target(method: &Method, place: Place) -> Option<Target> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let posts = *method == Method::POST;
    let of = |path, verb, id| Some(Target::Model { path, verb, id });
    match place {
        Place::Nodes if reads => Some(Target::Catalogue),
        Place::Changes if reads => Some(Target::Node("changes".to_owned())),
        Place::Tx if posts => Some(Target::Node("tx".to_owned())),
        Place::Node(node) if posts => Some(Target::Node(node)),
        Place::Collection(path) if reads => of(path, Verb::Is("list"), None),
        Place::Collection(path) => match *method {
            Method::POST => of(path, Verb::Create, None),
            Method::PATCH => of(path, Verb::Is("bulk_update"), None),
            Method::DELETE => of(path, Verb::Is("bulk_delete"), None),
            _ => None,
        },
        Place::Record(path, id) if reads => of(path, Verb::Is("read"), Some(id)),
        Place::Record(path, id) => match *method {
            Method::PATCH => of(path, Verb::Is("update"), Some(id)),
            Method::PUT => of(path, Verb::Is("replace"), Some(id)),
            Method::DELETE => of(path, Verb::Is("delete"), Some(id)),
            _ => None,
        },
        Place::Restore(path, id) if posts => of(path, Verb::Is("restore"), Some(id)),
        Place::Custom(path, Custom::Count) if reads || posts => of(path, Verb::Is("count"), None),
        Place::Custom(path, custom) if posts => {
            let verb = match custom {
                Custom::Bulk => "bulk",
                Custom::Upsert => "upsert",
                Custom::Count => "count",
                Custom::Search => "search",
                Custom::Query => "list",
                Custom::Aggregate => "aggregate",
            };
            of(path, Verb::Is(verb), None)
        }
        Place::Nodes
        | Place::Tx
        | Place::Changes
        | Place::Node(_)
        | Place::Restore(..)
        | Place::Custom(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(method: &str, path: &str) -> String {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        match route(&method, path) {
            Ok(Target::Catalogue) => "the catalogue".to_owned(),
            Ok(Target::Node(node)) => format!("node {node}"),
            Ok(Target::Model { path, verb, id }) => {
                let verb = match verb {
                    Verb::Create => "create or bulk_create",
                    Verb::Is(verb) => verb,
                };
                format!(
                    "{path} {verb}{}",
                    id.map_or(String::new(), |id| format!(" of {id}"))
                )
            }
            Err(Astray::NoSuchPath { hint }) => format!("404 {}", hint.unwrap_or_default()),
            Err(Astray::Garbled) => "400".to_owned(),
            Err(Astray::Method(allow)) => format!("405 {allow}"),
            Err(Astray::Options(allow)) => format!("options {allow}"),
        }
    }

    #[test]
    fn a_method_and_a_path_mean_a_node() {
        let cases = [
            ("GET film", "film list"),
            ("HEAD film", "film list"),
            ("POST film", "film create or bulk_create"),
            ("PATCH film", "film bulk_update"),
            ("DELETE film", "film bulk_delete"),
            ("PUT film", "405 GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
            (
                "OPTIONS film",
                "options GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            ),
            ("GET film/7", "film read of 7"),
            ("PATCH film/7", "film update of 7"),
            ("PUT film/7", "film replace of 7"),
            ("DELETE film/7", "film delete of 7"),
            ("POST film/7", "405 GET, HEAD, PATCH, PUT, DELETE, OPTIONS"),
            ("POST film/7:restore", "film restore of 7"),
            ("GET film/7:restore", "405 POST, OPTIONS"),
            (
                "POST film/7:destroy",
                "404 `/api/v1/film/7:restore` is the only one of this kind",
            ),
            ("POST film:bulk", "film bulk"),
            ("POST film%3Abulk", "film bulk"),
            ("POST film:query", "film list"),
            ("POST film:search", "film search"),
            ("POST film:aggregate", "film aggregate"),
            ("POST film:upsert", "film upsert"),
            ("GET film:count", "film count"),
            ("POST film:count", "film count"),
            ("GET film:bulk", "405 POST, OPTIONS"),
            ("POST tx", "node tx"),
            ("GET tx", "405 POST, OPTIONS"),
            ("GET changes", "node changes"),
            ("POST changes", "405 GET, HEAD, OPTIONS"),
            ("GET call", "the catalogue"),
            ("POST call/Film.create", "node Film.create"),
            ("GET call/Film.create", "405 POST, OPTIONS"),
            ("GET ", "404 "),
            ("GET film/", "404 "),
            ("GET film/7/8", "404 "),
            ("GET film:bulk/7", "404 "),
            ("GET f%ff", "400"),
            ("GET film/%E2%82%AC", "film read of €"),
        ];
        for (request, expected) in cases {
            let (method, path) = request.split_once(' ').unwrap();
            assert_eq!(told(method, path), expected, "{request}");
        }
        let told = told("POST", "film:bulc");
        assert!(told.contains("`:bulk`"), "{told}");
    }
}
