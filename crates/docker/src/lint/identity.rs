//! As whom a service runs, what it may write, and which of the kernel's powers it has.

use super::service::Service;
use super::{Column, Holes};
use crate::read::{items, number, text};

const TMPFS: [&str; 4] = ["noexec", "nosuid", "nodev", "size="];

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    user(service, holes);
    read_only(service, holes);
    privileges(service, holes);
}

fn user(service: &Service<'_>, holes: &mut Holes<'_>) {
    let fix = "user: \"65532:65532\", or whichever number the image's files belong to";
    let user = service.text("user");
    let mut parts = user.split(':');
    let ids: Option<Vec<u32>> = parts.by_ref().map(|part| part.parse().ok()).collect();
    match ids.as_deref() {
        _ if user.is_empty() => {
            holes.found(Column::User, "user", "it does not say as whom it runs", fix);
        }
        None => {
            let what = format!("`{user}` is a name: only a number can be checked not to be root");
            holes.found(Column::User, "user", what, fix);
        }
        Some(ids) if ids.contains(&0) => {
            holes.found(Column::User, "user", format!("`{user}` is root"), fix);
        }
        Some(_) => {}
    }
}

fn read_only(service: &Service<'_>, holes: &mut Holes<'_>) {
    if !service.is_true("read_only") {
        let what = "its root file system can be written to";
        let fix = "read_only: true, with a tmpfs or a volume where it must write";
        holes.found(Column::ReadOnly, "read_only", what, fix);
    }
    for (index, mount) in service.texts("tmpfs").into_iter().enumerate() {
        let (path, options) = mount.split_once(':').unwrap_or((mount, ""));
        let has = |option: &&str| {
            let mut options = options.split(',');
            options
                .any(|given| given == *option || option.ends_with('=') && given.starts_with(option))
        };
        let missing: Vec<&str> = TMPFS.into_iter().filter(|option| !has(option)).collect();
        if !missing.is_empty() {
            let place = format!("tmpfs/{index}");
            let what = format!("the tmpfs {path} lacks {}", missing.join(", "));
            let fix = format!("tmpfs: [\"{path}:noexec,nosuid,nodev,size=16m\"]");
            holes.found(Column::ReadOnly, &place, what, fix);
        }
    }
    for (index, mount) in items(service.key("volumes")).enumerate() {
        // The engine itself adds noexec, nosuid and nodev to this form.
        if text(mount, "type") == "tmpfs" && number(&mount["tmpfs"]["size"]).is_none() {
            let place = format!("volumes/{index}/tmpfs/size");
            let what = format!("the tmpfs {} has no size", text(mount, "target"));
            holes.found(Column::ReadOnly, &place, what, "tmpfs: { size: 16m }");
        }
    }
}

fn privileges(service: &Service<'_>, holes: &mut Holes<'_>) {
    if !service
        .texts("cap_drop")
        .iter()
        .any(|cap| cap.eq_ignore_ascii_case("ALL"))
    {
        let what = "it keeps capabilities of the kernel";
        holes.found(Column::Privileges, "cap_drop", what, "cap_drop: [ALL]");
    }
    for (index, cap) in service.texts("cap_add").into_iter().enumerate() {
        let what = format!("it adds the capability {cap}");
        let fix = "leave it out: listen above 1023 and prepare ownership in the image";
        holes.found(Column::Privileges, &format!("cap_add/{index}"), what, fix);
    }
    let options = service.texts("security_opt");
    let on = [
        "no-new-privileges",
        "no-new-privileges:true",
        "no-new-privileges=true",
    ];
    if !options.iter().any(|option| on.contains(option)) {
        let what = "its processes may gain privileges";
        let fix = "security_opt: [\"no-new-privileges:true\"]";
        holes.found(Column::Privileges, "security_opt", what, fix);
    }
    for (index, option) in options.into_iter().enumerate() {
        let off = option.ends_with("unconfined") || option.ends_with("label:disable");
        if off || option == "label=disable" {
            let what = format!("`{option}` turns off a protection of the kernel");
            let place = format!("security_opt/{index}");
            holes.found(Column::Privileges, &place, what, "leave it out");
        }
    }
}
