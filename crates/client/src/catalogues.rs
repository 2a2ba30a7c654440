//! Catalogues as callers see them, kept for a second without asking and by version after that.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use wire::{CallParts, Caller, Catalogue, Code, Content, Media, Options, Problem, Trace};

use crate::exchange::{Exchange, collect, put};
use crate::patience::patiently;
use crate::{Client, Speech};

/// What a face may miss of a change of models or rights.
const FRESH: Duration = Duration::from_secs(1);
/// Callers whose catalogue is kept. An entry of a caller who shares a version with others is a pointer.
const CALLERS: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(25);
const BYTES: usize = 256 << 20;

#[derive(Default)]
pub(crate) struct Catalogues {
    kept: RwLock<HashMap<Caller, Kept>>,
}

struct Kept {
    catalogue: Arc<Catalogue>,
    asked: Instant,
}

impl Catalogues {
    /// However old.
    pub(crate) fn known(&self, caller: &Caller) -> Option<Arc<Catalogue>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(caller).map(|kept| Arc::clone(&kept.catalogue))
    }

    fn fresh(&self, caller: &Caller) -> Option<Arc<Catalogue>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(caller)?;
        (kept.asked.elapsed() < FRESH).then(|| Arc::clone(&kept.catalogue))
    }

    /// The same version is the same `Arc`, whoever asked.
    fn keep(&self, caller: &Caller, catalogue: Arc<Catalogue>) -> Arc<Catalogue> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= CALLERS {
            kept.retain(|_, kept| kept.asked.elapsed() < FRESH);
        }
        if kept.len() >= CALLERS {
            kept.clear();
        }
        let same = kept
            .values()
            .find(|kept| kept.catalogue.version == catalogue.version);
        let catalogue = same.map_or(catalogue, |same| Arc::clone(&same.catalogue));
        let entry = Kept {
            catalogue: Arc::clone(&catalogue),
            asked: Instant::now(),
        };
        kept.insert(caller.clone(), entry);
        catalogue
    }
}

impl Client {
    /// While dataflow is away, what is known is good enough to find the way; else it is waited for.
    pub(crate) async fn patient_catalogue(
        &self,
        caller: &Caller,
    ) -> Result<Arc<Catalogue>, Problem> {
        let deadline = match self.inner.speech {
            Speech::Internal => Instant::now() + PATIENCE,
            Speech::Public { .. } => Instant::now(),
        };
        let fetched = patiently(deadline, || async {
            let catalogues = &self.inner.catalogues;
            match self.fetch_catalogue(caller).await {
                Err(problem) if problem.code == Code::Unavailable => {
                    let known = catalogues.known(caller).ok_or(problem)?;
                    Ok(catalogues.keep(caller, known))
                }
                done => done,
            }
        });
        fetched.await
    }

    pub(crate) async fn fetch_catalogue(&self, caller: &Caller) -> Result<Arc<Catalogue>, Problem> {
        let catalogues = &self.inner.catalogues;
        if let Some(fresh) = catalogues.fresh(caller) {
            return Ok(fresh);
        }
        let known = catalogues.known(caller);
        let parts = CallParts {
            caller: caller.clone(),
            media: Media::Json,
            options: Options::default(),
            deadline: Some(Instant::now() + PATIENCE),
            trace: Trace::random(),
        };
        let mut headers = HeaderMap::new();
        let path = match &self.inner.speech {
            Speech::Internal => {
                parts.write(&mut headers);
                "/catalogue"
            }
            Speech::Public { key, nodes } => {
                key.write(&parts, &mut headers);
                *nodes
            }
        };
        if let Some(known) = &known {
            put(
                &mut headers,
                header::IF_NONE_MATCH,
                &format!("\"{}\"", known.version),
            );
        }
        let exchange = Exchange {
            method: Method::GET,
            path: path.to_owned(),
            headers,
            content: Content::Whole(Bytes::new()),
            deadline: parts.deadline,
            repeatable: true,
        };
        let response = self.inner.endpoint.exchange(exchange).await?;
        let unchanged = response.status() == StatusCode::NOT_MODIFIED;
        let catalogue = match known.filter(|_| unchanged) {
            Some(known) => known,
            None => Arc::new(read(&collect(response.into_body(), BYTES).await?)?),
        };
        Ok(catalogues.keep(caller, catalogue))
    }
}

fn read(bytes: &Bytes) -> Result<Catalogue, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(Code::Unavailable).detail(format!("the catalogue cannot be read: {error}"))
    })
}
