//! `gantry mcp install`: what each client of agents wants to read, and where.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use wire::ExitKind;

use crate::args::{Client, Install, Output};
use crate::failure::Failure;

pub fn run(args: &Install, output: Output) -> Result<(), Failure> {
    let folder = &args.offer.place.database.project;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(folder, args),
    };
    let server = Server::of(args)?;
    let path = match &args.file {
        Some(path) => path.clone(),
        None => args.client.file(folder)?,
    };
    if !args.write_file {
        let mut out = anstream::stdout();
        let text = args.client.text(&name, &server);
        if output == Output::Json {
            let told = json!({"file": path, "name": name, "text": text});
            writeln!(out, "{told}")?;
            return Ok(());
        }
        write!(out, "{text}")?;
        let path = path.display();
        writeln!(
            anstream::stderr(),
            "\nThis belongs into {path}; --write-file puts it there."
        )?;
        return Ok(());
    }
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(anyhow::Error::new(error)
                .context(path.display().to_string())
                .into());
        }
    };
    let after = args.client.merged(&before, &name, &server, &path)?;
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(&path, after).with_context(|| path.display().to_string())?;
    if output == Output::Json {
        writeln!(
            anstream::stdout(),
            "{}",
            json!({"file": path, "name": name})
        )?;
    } else {
        writeln!(
            anstream::stderr(),
            "{} knows `{name}` now, by {}",
            args.client.called(),
            path.display()
        )?;
    }
    Ok(())
}

/// The project's name, or the server's host.
fn name_of(folder: &Path, args: &Install) -> String {
    if let Some(url) = &args.offer.place.server.url {
        let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        return host.split(['/', ':']).next().unwrap_or("gantry").to_owned();
    }
    let project = crate::platform::project(folder).ok();
    project.map_or_else(|| "gantry".to_owned(), |project| project.name)
}

/// How the client gets at it: by a program that it starts, which reaches a server where one is named.
struct Server {
    command: String,
    arguments: Vec<String>,
}

impl Server {
    fn of(args: &Install) -> Result<Self, Failure> {
        let program = env::current_exe().context("the path of this program")?;
        let mut arguments = vec!["mcp".to_owned(), "--stdio".to_owned()];
        let mut add = |name: &str, value: &str| {
            arguments.push(name.to_owned());
            arguments.push(value.to_owned());
        };
        let place = &args.offer.place;
        if place.server.key.is_some() {
            return Err(
                Failure::usage("a key itself is not written into other programs' files")
                    .hint("name the file that holds it: `--key-file`"),
            );
        }
        if let Some(url) = &place.server.url {
            add("--url", url);
            if let Some(file) = &place.server.key_file {
                add("--key-file", &absolute(file)?);
            }
        } else {
            crate::platform::is_project(&place.database.project)?;
            add("-C", &absolute(&place.database.project)?);
            if let Some(url) = &place.database.database_url {
                if url.contains("://") && url.contains('@') {
                    let detail = "a database's password is not written into other programs' files";
                    return Err(Failure::usage(detail).hint("say the database in gantry.yaml"));
                }
                add("--database-url", url);
            }
        }
        if let Some(group) = &args.offer.group {
            add("--group", group);
        }
        if args.offer.write {
            arguments.push("--write".to_owned());
        }
        Ok(Self {
            command: program.to_string_lossy().into_owned(),
            arguments,
        })
    }
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let path = path
        .canonicalize()
        .with_context(|| path.display().to_string())?;
    Ok(path.to_string_lossy().into_owned())
}

impl Client {
    fn called(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Codex => "Codex",
            Self::Cursor => "Cursor",
            Self::Gemini => "Gemini CLI",
            Self::Vscode => "VS Code",
            Self::Windsurf => "Windsurf",
            Self::Zed => "Zed",
        }
    }

    /// Of the project where the client has such a file, else of the person.
    fn file(self, folder: &Path) -> Result<PathBuf, Failure> {
        let home = || {
            let home = env::var_os("HOME").filter(|home| !home.is_empty());
            home.map(PathBuf::from).ok_or_else(|| {
                Failure::refused(
                    ExitKind::NotFound,
                    "HOME is not set, so the file cannot be found",
                )
                .hint("name it with `--file`")
            })
        };
        Ok(match self {
            Self::ClaudeCode => folder.join(".mcp.json"),
            Self::ClaudeDesktop if cfg!(target_os = "macos") => {
                home()?.join("Library/Application Support/Claude/claude_desktop_config.json")
            }
            Self::ClaudeDesktop => home()?.join(".config/Claude/claude_desktop_config.json"),
            Self::Codex => home()?.join(".codex/config.toml"),
            Self::Cursor => folder.join(".cursor/mcp.json"),
            Self::Gemini => folder.join(".gemini/settings.json"),
            Self::Vscode => folder.join(".vscode/mcp.json"),
            Self::Windsurf => home()?.join(".codeium/windsurf/mcp_config.json"),
            Self::Zed => home()?.join(".config/zed/settings.json"),
        })
    }

    /// The member of the file that has all servers.
    fn member(self) -> &'static str {
        match self {
            Self::Vscode => "servers",
            Self::Zed => "context_servers",
            Self::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }

    fn entry(self, server: &Server) -> Value {
        let mut entry = json!({"command": server.command, "args": server.arguments});
        if matches!(self, Self::Vscode | Self::ClaudeCode) {
            entry["type"] = json!("stdio");
        }
        entry
    }

    /// All that the file must say.
    fn text(self, name: &str, server: &Server) -> String {
        if self == Self::Codex {
            return toml_table(name, server);
        }
        let all = json!({self.member(): {name: self.entry(server)}});
        pretty(&all)
    }

    /// What the file says with this server in it; all else stays.
    fn merged(
        self,
        before: &str,
        name: &str,
        server: &Server,
        path: &Path,
    ) -> Result<String, Failure> {
        if self == Self::Codex {
            if before.contains(&toml_head(name)) {
                let detail = format!("{} knows `{name}` already", path.display());
                return Err(Failure::refused(ExitKind::Conflict, detail)
                    .hint("take it out there, or choose another `--name`"));
            }
            let gap = if before.is_empty() || before.ends_with("\n\n") {
                ""
            } else {
                "\n"
            };
            return Ok(format!("{before}{gap}{}", toml_table(name, server)));
        }
        let mut all: Value = if before.trim().is_empty() {
            json!({})
        } else {
            serde_json::from_str(before).map_err(|error| {
                let detail = format!("{} is no plain JSON: {error}", path.display());
                Failure::refused(ExitKind::Input, detail).hint(
                    "nothing was written; without --write-file it is printed, to be put in by hand",
                )
            })?
        };
        let no_object = || {
            let detail = format!("`{}` in {} is no object", self.member(), path.display());
            Failure::refused(ExitKind::Input, detail)
        };
        let members = all.as_object_mut().ok_or_else(no_object)?;
        let servers = members
            .entry(self.member())
            .or_insert_with(|| Value::Object(Map::new()));
        let servers = servers.as_object_mut().ok_or_else(no_object)?;
        servers.insert(name.to_owned(), self.entry(server));
        Ok(pretty(&all))
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a tree of JSON is JSON");
    text.push('\n');
    text
}

fn toml_head(name: &str) -> String {
    format!("[mcp_servers.{}]", json!(name))
}

/// A text of JSON is one of TOML, too.
fn toml_table(name: &str, server: &Server) -> String {
    format!(
        "{}\ncommand = {}\nargs = {}\n",
        toml_head(name),
        json!(server.command),
        json!(server.arguments)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server {
            command: "/bin/gantry".to_owned(),
            arguments: vec!["mcp".to_owned(), "--stdio".to_owned()],
        }
    }

    #[test]
    fn what_else_a_file_says_stays() {
        let path = Path::new("mcp.json");
        let before = r#"{"theme": "dark", "mcpServers": {"other": {"command": "x"}}}"#;
        let merged = Client::Cursor
            .merged(before, "films", &server(), path)
            .unwrap();
        let value: Value = serde_json::from_str(&merged).unwrap();
        assert_eq!(value["theme"], "dark");
        assert_eq!(value["mcpServers"]["other"]["command"], "x");
        assert_eq!(
            value["mcpServers"]["films"]["args"],
            json!(["mcp", "--stdio"])
        );
        // Once more changes nothing.
        assert_eq!(
            Client::Cursor
                .merged(&merged, "films", &server(), path)
                .unwrap(),
            merged
        );
        let fresh = Client::Vscode.merged("", "films", &server(), path).unwrap();
        let value: Value = serde_json::from_str(&fresh).unwrap();
        assert_eq!(value["servers"]["films"]["type"], "stdio");
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        let path = Path::new("settings.json");
        for before in ["// notes\n{}", "[]", r#"{"context_servers": 3}"#] {
            assert!(
                Client::Zed
                    .merged(before, "films", &server(), path)
                    .is_err(),
                "{before}"
            );
        }
    }

    #[test]
    fn toml_is_added_at_the_end_once() {
        let path = Path::new("config.toml");
        let merged = Client::Codex
            .merged("model = \"x\"\n", "films", &server(), path)
            .unwrap();
        let expected = "model = \"x\"\n\n[mcp_servers.\"films\"]\ncommand = \"/bin/gantry\"\nargs = [\"mcp\",\"--stdio\"]\n";
        assert_eq!(merged, expected);
        assert!(
            Client::Codex
                .merged(&merged, "films", &server(), path)
                .is_err()
        );
    }
}
