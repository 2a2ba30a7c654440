//! Where the next page begins: opaque, authenticated, and bound to the list and the caller that it was made for.

use access::{Principal, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Filter, Model, Order, Value};
use sha2::{Digest as _, Sha256};
use wire::{Code, Problem};

const PURPOSE: &str = "cursor";
const BINDING_LEN: usize = 16;
const MAC_LEN: usize = 32;

/// What a cursor is bound to.
pub(crate) struct List<'a> {
    pub(crate) model: &'a Model,
    pub(crate) order: &'a [Order],
    pub(crate) filter: &'a Filter,
    /// `deleted=`, and the text searched for.
    pub(crate) deleted: &'a str,
    pub(crate) search: Option<&'a str>,
    pub(crate) principal: &'a Principal,
}

impl List<'_> {
    fn binding(&self) -> [u8; BINDING_LEN] {
        let text = format!(
            "{}\0{:?}\0{:?}\0{}\0{:?}\0{:?}\0{:?}",
            self.model.name,
            self.order,
            self.filter,
            self.deleted,
            self.search,
            self.principal.id,
            self.principal.tenant
        );
        let mut binding = [0; BINDING_LEN];
        binding.copy_from_slice(&Sha256::digest(text)[..BINDING_LEN]);
        binding
    }
}

/// `after` are the order's values of the last record.
pub(crate) fn seal(signer: &Signer, list: &List<'_>, after: &[Value]) -> String {
    let mut payload = list.binding().to_vec();
    payload.extend(texts(after).bytes());
    let mut sealed = signer.seal(PURPOSE, &payload).to_vec();
    sealed.extend(payload);
    URL_SAFE_NO_PAD.encode(sealed)
}

pub(crate) fn open(signer: &Signer, list: &List<'_>, cursor: &str) -> Result<Vec<Value>, Problem> {
    let foreign = || {
        Problem::new(Code::InvalidCursor)
            .detail("the cursor was not made by this server, or was altered")
            .hint("ask for the first page, without a cursor")
    };
    let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let (mac, payload) = sealed.split_at_checked(MAC_LEN).ok_or_else(foreign)?;
    if !signer.is_sealed(PURPOSE, payload, mac) {
        return Err(foreign());
    }
    let (binding, after) = payload.split_at_checked(BINDING_LEN).ok_or_else(foreign)?;
    if *binding != list.binding() {
        return Err(Problem::new(Code::CursorMismatch)
            .detail("the cursor belongs to a list with another order, filter or caller")
            .hint("send it with the same order, filters and caller as the page that gave it"));
    }
    values(list.model, list.order, after).ok_or_else(foreign)
}

/// An order's values of one record, as a text.
pub(crate) fn texts(after: &[Value]) -> String {
    let texts = after.iter().map(|value| match value {
        Value::Null => serde_json::Value::Null,
        value => {
            let mut text = Vec::new();
            value.write_text(&mut text);
            String::from_utf8_lossy(&text).into_owned().into()
        }
    });
    serde_json::Value::Array(texts.collect()).to_string()
}

/// From [`texts`] back.
pub(crate) fn values(model: &Model, order: &[Order], texts: &[u8]) -> Option<Vec<Value>> {
    let texts: Vec<Option<String>> = serde_json::from_slice(texts).ok()?;
    let value = |(text, order): (Option<String>, &Order)| match text {
        None => Some(Value::Null),
        Some(text) => Value::from_text(model.field(order.field), &text).ok(),
    };
    if texts.len() != order.len() {
        return None;
    }
    texts.into_iter().zip(order).map(value).collect()
}
