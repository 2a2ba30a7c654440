//! The images that a stack needs: there already, built from a checkout, or pulled.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use docker::{Bake, Compose, Service, Stack};
use wire::ExitKind;

use super::ask;
use crate::failure::Failure;

/// When images are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Where they are missing and can be.
    IfMissing,
    Always,
    Never,
}

/// What images are built from.
#[derive(Debug, Clone)]
pub struct Building {
    pub wish: Wish,
    /// A checkout of Gantry.
    pub source: Option<PathBuf>,
    /// Certificates that build steps trust.
    pub ca: Option<PathBuf>,
}

impl Building {
    /// The checkout that this folder lies in, if it does.
    pub fn checkout_above(folder: &Path) -> Option<PathBuf> {
        let is_checkout = |folder: &&Path| folder.join(Bake::FILE).is_file();
        folder.ancestors().find(is_checkout).map(Path::to_owned)
    }

    /// Brings every image here, or fails naming those that are not.
    pub async fn bring(&self, compose: &Compose, stack: &Stack) -> Result<(), Failure> {
        if self.wish == Wish::Always {
            let builds: Vec<&Service> = stack.services.iter().filter(|s| can_build(s)).collect();
            if builds.is_empty() {
                let detail = "there is nothing to build from";
                return Err(
                    Failure::usage(detail).hint("name a checkout of Gantry: `--source FOLDER`")
                );
            }
            self.build(compose, &builds).await?;
        }
        let mut missing = missing(stack).await?;
        let builds: Vec<&Service> = missing.iter().copied().filter(|s| can_build(s)).collect();
        if self.wish == Wish::IfMissing && !builds.is_empty() {
            self.build(compose, &builds).await?;
            missing = self::missing(stack).await?;
        }
        if missing.is_empty() {
            return Ok(());
        }
        say(&format!("pulling {}", images(&missing)));
        let names: Vec<&str> = missing.iter().map(|service| &*service.name).collect();
        let pulled = docker::show(&compose.pull(&names)).await;
        missing = self::missing(stack).await?;
        match pulled {
            _ if missing.is_empty() => Ok(()),
            Ok(()) | Err(docker::Error::Failed { .. }) => {
                let names = images(&missing);
                let detail = format!("there is no image {names}, and no registry gave it");
                Err(Failure::refused(ExitKind::Unavailable, detail).hint(
                    "build them from a checkout of Gantry: `--source FOLDER`; or name a registry that has them: \
                     GANTRY_REGISTRY=registry.example/",
                ))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// What the checkout's bake file knows is built by it, in one go; the rest by compose.
    async fn build(&self, compose: &Compose, services: &[&Service]) -> Result<(), Failure> {
        say(&format!("building {}", images(services)));
        let (baked, other): (Vec<&Service>, Vec<&Service>) = match &self.source {
            Some(checkout) if has_bake(checkout).await => services
                .iter()
                .partition(|service| is_of(service, checkout)),
            _ => (Vec::new(), services.to_vec()),
        };
        if let Some(checkout) = &self.source
            && let Some(bake) = bake(checkout, &baked, self.ca.clone())
        {
            docker::show(&bake.command()).await?;
        }
        if !other.is_empty() {
            let names: Vec<&str> = other.iter().map(|service| &*service.name).collect();
            docker::show(&compose.build(&names)).await?;
        }
        Ok(())
    }
}

async fn has_bake(checkout: &Path) -> bool {
    checkout.join(Bake::FILE).is_file() && ask(&docker::buildx_version()).await.is_ok()
}

/// Whether the service's image is one of ours, from this checkout.
fn is_of(service: &Service, checkout: &Path) -> bool {
    let same = |build: &docker::Build| build.context == checkout;
    service.build.as_ref().is_some_and(same) && ours(service).is_some()
}

/// What goes before `gantry/`, the name of our image, and its version.
fn ours(service: &Service) -> Option<(&str, &str, &str)> {
    let image = service.image.as_deref()?;
    let (registry, rest) = image.rsplit_once("gantry/")?;
    let (name, version) = rest.split_once(':')?;
    Some((registry, name, version))
}

fn bake(checkout: &Path, services: &[&Service], ca: Option<PathBuf>) -> Option<Bake> {
    let images: Vec<_> = services
        .iter()
        .filter_map(|service| ours(service))
        .collect();
    let (registry, _, version) = *images.first()?;
    let mut targets: Vec<String> = images
        .iter()
        .map(|(_, name, _)| (*name).to_owned())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    Some(Bake {
        checkout: checkout.to_owned(),
        targets,
        registry: registry.to_owned(),
        version: version.to_owned(),
        ca,
    })
}

/// Files may say how to build what this machine has no source of.
fn can_build(service: &Service) -> bool {
    service
        .build
        .as_ref()
        .is_some_and(|build| build.dockerfile.is_file())
}

/// Services whose image the engine does not have.
async fn missing(stack: &Stack) -> Result<Vec<&Service>, Failure> {
    let mut missing = Vec::new();
    for service in &stack.services {
        let name = image(&stack.name, service);
        match ask(&docker::image_inspect(&name)).await {
            Ok(_) => {}
            Err(docker::Error::Failed { .. }) => missing.push(service),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(missing)
}

/// What is built without a name gets one from compose.
fn image(stack: &str, service: &Service) -> String {
    let named = service.image.clone();
    named.unwrap_or_else(|| format!("{stack}-{}", service.name))
}

fn images(services: &[&Service]) -> String {
    let mut images: Vec<String> = services
        .iter()
        .map(|service| image("", service).trim_start_matches('-').to_owned())
        .collect();
    images.sort_unstable();
    images.dedup();
    images.join(", ")
}

fn say(what: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(anstream::stderr(), "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_ours_are_baked_by_their_names() {
        let config = r#"{"services": {
            "api": {"image": "r.example:5000/gantry/api:1", "build": {"context": "/gantry"}},
            "edge": {"image": "r.example:5000/gantry/haproxy:1", "build": {"context": "/gantry"}},
            "seed": {"image": "r.example:5000/gantry/api:1", "build": {"context": "/gantry"}},
            "mine": {"image": "films/api:1", "build": {"context": "/films"}}
        }}"#;
        let stack = Stack::read(config).unwrap();
        let checkout = Path::new("/gantry");
        let of = stack
            .services
            .iter()
            .filter(|service| is_of(service, checkout));
        let bake = bake(checkout, &of.collect::<Vec<_>>(), None).unwrap();
        insta::assert_snapshot!(bake.command(), @"REGISTRY=r.example:5000/ VERSION=1 CA='' docker buildx bake --file docker/docker-bake.hcl api haproxy");
    }
}
