//! What is called and is no model's, nor a transaction.

use wire::{Answer, Code, NodeName, Problem};

use crate::arguments::Pairs;
use crate::context::Context;
use crate::nodes::Nodes;
use crate::what::What;
use crate::{auth, changes, create, keys, migrations, run, session};

impl Nodes {
    pub(crate) async fn own(
        &self,
        cx: &Context<'_>,
        what: &What,
        node: &NodeName,
        pairs: Pairs,
        text: &str,
    ) -> Result<Answer, Problem> {
        if matches!(what, What::Changes) {
            return changes::call(cx, &self.feed, pairs, text).await;
        }
        if matches!(what, What::MigrationList) {
            return migrations::list(cx, pairs, text).await;
        }
        create::no_query(&pairs, &[])?;
        if cx.options.dry_run {
            return Err(
                Problem::new(Code::BadRequest).detail(format!("{node} cannot be rolled back"))
            );
        }
        match what {
            What::Verify => auth::verify(cx, &self.callers, &self.tokens, text).await,
            What::Servers => auth::servers(&self.tokens, text),
            What::KeyCreate => keys::create(cx, text).await,
            What::KeyList => keys::list(cx, text).await,
            What::SessionPut => session::put(cx, text).await,
            What::SessionGet => session::get(cx, text).await,
            What::SessionDelete => session::delete(cx, text).await,
            What::Run(node) => run::call(cx, &self.runs, *node, text).await,
            _ => keys::revoke(cx, text).await,
        }
    }
}
