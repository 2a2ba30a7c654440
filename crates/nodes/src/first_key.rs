//! The first admin's key, whose token was made elsewhere and is handed over as a file.

use access::token;
use store::KeyRow;
use wire::{Code, Problem};

use crate::nodes::{Nodes, this_moment};
use crate::problem;

const NAME: &str = "first";
const ROLE: &str = "admin";

/// What became of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// It is a key now; so many that it takes the place of are none any more.
    Made {
        revoked: usize,
    },
    Known,
    /// Somebody took it away, and a start does not give it back.
    Revoked,
}

impl Nodes {
    /// A new token takes the place of the keys that were made so before.
    pub async fn adopt_key(&self, token: &str) -> Result<Adopted, Problem> {
        let (id, hash) = token::split(token)
            .ok_or_else(|| Problem::new(Code::BadRequest).detail("the token is not of our form"))?;
        if let Some(known) = self.store.find_key(id).await.map_err(problem::of_store)? {
            return match known.revoked_at {
                Some(_) => Ok(Adopted::Revoked),
                None if token::matches(&known.hash, &hash) => Ok(Adopted::Known),
                None => Err(Problem::new(Code::UniqueViolation)
                    .detail("another key has the id of the admin's token")),
            };
        }
        let now = this_moment();
        let row = KeyRow {
            id: id.to_owned(),
            name: NAME.to_owned(),
            hash,
            roles: vec![ROLE.to_owned()],
            tenant: None,
            scopes: None,
            created_at: now,
            expires_at: None,
            revoked_at: None,
        };
        if let Err(error) = self.store.add_key(&row).await {
            // Another replica may have been faster.
            let there = self.store.find_key(id).await.map_err(problem::of_store)?;
            return match there {
                Some(_) => Ok(Adopted::Known),
                None => Err(problem::of_store(error)),
            };
        }
        let keys = self.store.list_keys().await.map_err(problem::of_store)?;
        let replaced = |key: &&KeyRow| {
            key.id != id
                && key.name == NAME
                && key.roles == [ROLE]
                && key.tenant.is_none()
                && key.revoked_at.is_none()
        };
        let mut revoked = 0;
        for key in keys.iter().filter(replaced) {
            let done = self.store.revoke_key(&key.id, now).await;
            revoked += usize::from(done.map_err(problem::of_store)?);
        }
        Ok(Adopted::Made { revoked })
    }
}
