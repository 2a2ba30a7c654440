//! `gantry call`: one node, its answer on standard output, the facts about it on standard error.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::AsyncReadExt as _;
use verbs::Platform;
use verbs::{reading, words};
use wire::{Body, Code, Content, FieldInfo, IfVersion, Media, Meta, NodeName, Problem, Reply};

use crate::args::{Accept, Call, CountWish, Output};
use crate::failure::Failure;
use crate::platform;

/// What is read of a file at once.
const PIECE: usize = 64 << 10;

/// What may stand unescaped in a query's key or value.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'*')
    .remove(b',')
    .remove(b'(')
    .remove(b')')
    .remove(b':');

pub async fn run(args: Call, output: Output) -> Result<(), Failure> {
    let given = match (&args.input, &args.json) {
        (Some(path), _) => Some(open_body(path).await?),
        (None, Some(json)) => Some(read_body(json)?),
        (None, None) => None,
    };
    let platform = platform::compose(&args.place).await?;
    let (body, arguments) = match given {
        Some(body) => (body, args.field),
        None => values(&platform, &args.node, args.field).await?,
    };
    let mut call = wire::Call::new(args.node.clone(), platform.caller.clone(), body);
    call.query = query(&arguments);
    if args.input.is_some() {
        call.options.reply = Reply::Minimal;
    }
    call.options.accept = match args.accept {
        None | Some(Accept::Json) => Media::Json,
        Some(Accept::Ndjson) => Media::JsonLines,
        Some(Accept::Csv) => Media::Csv,
    };
    call.options.idempotency_key = args.idempotency_key;
    call.options.if_version = args
        .if_version
        .map(|version| IfVersion::OneOf(vec![version]));
    call.options.dry_run = args.dry_run;
    call.options.max_affected = args.max_affected;
    call.options.count = match args.count {
        None => wire::CountWish::None,
        Some(CountWish::Planned) => wire::CountWish::Planned,
        Some(CountWish::Exact) => wire::CountWish::Exact,
    };
    let answer = match platform.calls.call(call).await {
        Ok(answer) => answer,
        Err(problem) => return Err(with_nearest(&platform, &args.node, problem).await.into()),
    };
    match output {
        Output::Text if answer.body.media == Media::Json => {
            reading::print(&answer.body.collect(usize::MAX).await?)?;
        }
        Output::Json | Output::Text => write_through(answer.body).await?,
    }
    tell(&answer.meta);
    Ok(())
}

/// Adds the nearest node's name where there is no such node.
async fn with_nearest(platform: &Platform, node: &NodeName, problem: Problem) -> Problem {
    if problem.code != Code::NoSuchNode || problem.hint.is_some() {
        return problem;
    }
    let Ok(catalogue) = platform.calls.catalogue(&platform.caller).await else {
        return problem;
    };
    let names = catalogue.nodes.iter().map(|node| node.name.as_str());
    match model::did_you_mean(node.as_str(), names) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// The typed values of a write become its body; what is no field stays an argument of the query.
async fn values(
    platform: &Platform,
    node: &NodeName,
    typed: Vec<(String, String)>,
) -> Result<(Body, Vec<(String, String)>), Failure> {
    if typed.is_empty() || !matches!(node.verb(), "create" | "update" | "replace") {
        return Ok((Body::empty(), typed));
    }
    let catalogue = platform.calls.catalogue(&platform.caller).await?;
    let known = catalogue.model(node.family());
    let known = known.map_or(&[][..], |model| &model.fields);
    // A record's id says which one, except where it is made.
    let (rest, typed): (Vec<_>, Vec<_>) = typed
        .into_iter()
        .partition(|(key, _)| key == "select" || (key == "id" && node.verb() != "create"));
    let members = typed.iter().map(|(key, text)| {
        let field = known.iter().find(|field| field.name == *key);
        format!("{}:{}", json!(key), value(field, text))
    });
    let body = members.collect::<Vec<_>>().join(",");
    Ok((Body::json(format!("{{{body}}}")), rest))
}

/// As JSON: what is written in quotes there gets them, anything else stands as typed.
fn value(field: Option<&FieldInfo>, text: &str) -> String {
    let (kind, array) = field.map_or(("text", false), |field| (field.kind.as_str(), field.array));
    let is_bare = array || matches!(kind, "bool" | "float" | "json" | "vector");
    let is_null = text == "null" && (array || kind != "text");
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    if is_null || (is_bare && is_json) {
        text.to_owned()
    } else {
        json!(text).to_string()
    }
}

fn query(fields: &[(String, String)]) -> String {
    let pairs: Vec<_> = fields
        .iter()
        .map(|(key, value)| {
            let key = utf8_percent_encode(key, QUERY);
            format!("{key}={}", utf8_percent_encode(value, QUERY))
        })
        .collect();
    pairs.join("&")
}

/// JSON text as it stands, `@file` (CSV and JSON Lines by the file's ending), or `-` for standard input.
fn read_body(source: &str) -> Result<Body, Failure> {
    if source == "-" {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        return Ok(Body::json(bytes));
    }
    let Some(path) = source.strip_prefix('@') else {
        return Ok(Body::json(source.to_owned()));
    };
    let bytes = fs::read(path).with_context(|| format!("cannot read {path}"))?;
    Ok(Body {
        media: media(Path::new(path)),
        content: Content::Whole(Bytes::from(bytes)),
    })
}

/// By the file's ending.
fn media(path: &Path) -> Media {
    let ending = path.extension().unwrap_or_default();
    match ending.to_ascii_lowercase().to_str() {
        Some("csv") => Media::Csv,
        Some("jsonl" | "ndjson") => Media::JsonLines,
        _ => Media::Json,
    }
}

/// A file of any size, read as it is sent.
async fn open_body(path: &Path) -> Result<Body, Failure> {
    let (path, media) = if path == Path::new("-") {
        (Path::new("/dev/stdin"), Media::JsonLines)
    } else {
        (path, media(path))
    };
    if media == Media::Json {
        let detail = format!(
            "{} ends neither in .csv nor in .ndjson or .jsonl",
            path.display()
        );
        return Err(Failure::usage(detail).hint("JSON of any kind is read by `--json @file`"));
    }
    let file = tokio::fs::File::open(path).await;
    let file = file.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Body {
        media,
        content: pieces(file, path.display().to_string()),
    })
}

fn pieces(source: tokio::fs::File, name: String) -> Content {
    let next = async |(mut source, name): (tokio::fs::File, String)| {
        let mut piece = BytesMut::with_capacity(PIECE);
        match source.read_buf(&mut piece).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(piece.freeze()), (source, name))),
            Err(error) => {
                let detail = format!("cannot read {name}: {error}");
                let problem = Problem::new(Code::BadRequest).detail(detail);
                Some((Err(problem), (source, name)))
            }
        }
    };
    Content::Stream(stream::unfold((source, name), next).boxed())
}

/// The body as it comes, a line break at its end.
async fn write_through(body: Body) -> Result<(), Failure> {
    let mut last = b'\n';
    let mut put = |chunk: &Bytes| -> io::Result<()> {
        last = chunk.last().copied().unwrap_or(last);
        io::stdout().write_all(chunk)
    };
    match body.content {
        Content::Whole(bytes) => put(&bytes)?,
        Content::Stream(mut stream) => {
            while let Some(chunk) = stream.try_next().await? {
                put(&chunk)?;
            }
        }
    }
    if last != b'\n' {
        io::stdout().write_all(b"\n")?;
    }
    io::stdout().flush()?;
    Ok(())
}

fn tell(meta: &Meta) {
    let mut facts = Vec::new();
    let number = |n: u64| usize::try_from(n).map_or_else(|_| n.to_string(), words::thousands);
    if let Some(count) = meta.count {
        let about = if count.exact { "" } else { "about " };
        facts.push(format!("{about}{} records match", number(count.records)));
    }
    if let Some(affected) = meta.affected {
        facts.push(format!("{} changed", number(affected)));
    }
    if meta.replayed {
        facts.push("this is the answer that was kept for the idempotency key".to_owned());
    }
    if meta.truncated {
        facts.push("the answer was cut at a limit".to_owned());
    }
    if meta.rolled_back {
        facts.push("dry run: nothing was kept".to_owned());
    }
    if let Some(cursor) = &meta.cursor {
        facts.push(format!("next page: -f cursor={cursor}"));
    }
    for fact in facts {
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(anstream::stderr(), "{fact}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_become_a_query() {
        let fields = [("title", "eq.a&b=c d"), ("released", "gte.2010-01-01")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(
            super::query(&fields),
            "title=eq.a%26b%3Dc%20d&released=gte.2010-01-01"
        );
    }
}
