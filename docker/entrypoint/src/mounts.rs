//! Data belongs on a volume: a folder of the container itself is lost with it, silently.

use std::fs;

use rustix::fs::Access;

use crate::Error;

pub(crate) fn require(folder: &str) -> Result<(), Error> {
    let table = "/proc/self/mountinfo";
    let text = fs::read_to_string(table).map_err(Error::io(format!("reading {table}")))?;
    if is_mounted(&text, folder) {
        return own(folder);
    }
    let below = points(&text).find(|point| point.starts_with(&format!("{folder}/")));
    let deeper = below.map_or(String::new(), |point| {
        format!(" (what is mounted at {point} is too deep)")
    });
    Err(Error::Settings(format!(
        "no volume is mounted at {folder}{deeper}: all data would be lost with the container; mount one at exactly \
         {folder}"
    )))
}

/// A new named volume takes its owner from the image; what is mounted otherwise may be anybody's.
fn own(folder: &str) -> Result<(), Error> {
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        let user = rustix::process::getuid().as_raw();
        Error::Settings(format!(
            "{folder} cannot be written to ({error}): what is mounted there has to belong to user {user} (chown -R \
             {user}:{user})"
        ))
    })
}

fn is_mounted(mountinfo: &str, folder: &str) -> bool {
    points(mountinfo).any(|point| point == folder)
}

/// The fifth field; spaces in it are octal escapes, which no folder of ours has.
fn points(mountinfo: &str) -> impl Iterator<Item = &str> {
    mountinfo.lines().filter_map(|line| line.split(' ').nth(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folder_itself_counts() {
        let text = "36 35 98:0 / / rw - overlay o rw\n37 36 98:1 /v/_data /data/deep rw - ext4 /dev/vda rw\n";
        assert!(is_mounted(text, "/data/deep"));
        assert!(!is_mounted(text, "/data") && !is_mounted(text, "/data/deep/er"));
    }
}
