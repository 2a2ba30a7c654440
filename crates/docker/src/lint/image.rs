//! Whether the image is the one that was looked at.

use serde_json::Value;

use super::service::Service;
use super::{Column, Holes, Stage};
use crate::read::entries;

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    let image = service.text("image");
    let builds = builds(service, image);
    if !builds && !has_digest(image) {
        let what = match image {
            "" => "there is neither an image nor a build".to_owned(),
            _ => format!("whatever `{image}` is on the day it is pulled"),
        };
        let fix = "name it with its digest, image: name:tag@sha256:…, or build it";
        holes.found(Column::Image, "image", what, fix);
    }
    if service.stage == Stage::Production && is_latest(image) {
        let what = format!("`{image}` names no version");
        let fix = "image: name:version, so that a roll back is possible";
        holes.found(Column::Image, "image", what, fix);
    }
}

/// By itself, or by another service that runs the same image.
fn builds(service: &Service<'_>, image: &str) -> bool {
    let mut services = entries(&service.config["services"]);
    let builds = |other: &Value| !other["build"].is_null();
    builds(service.value)
        || !image.is_empty() && services.any(|(_, other)| builds(other) && other["image"] == *image)
}

fn has_digest(image: &str) -> bool {
    let digest = image.split_once("@sha256:").map(|(_, digest)| digest);
    digest.is_some_and(|digest| {
        digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// No tag means `latest`, unless a digest says which; what is only built has no name to roll back to.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    // A registry's port is no tag.
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':')
        .is_none_or(|(_, tag)| tag == "latest" || tag.is_empty())
}
