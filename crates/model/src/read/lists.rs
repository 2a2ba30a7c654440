//! `unique:` and `indexes:`, together with what fields say of themselves.

use super::model::Finder;
use crate::source::Place;
use crate::yaml::Node;
use crate::{FieldId, Kind};

type Lists = Vec<Vec<FieldId>>;

/// The sets of unique fields, and the indexes. A ref has an index even unasked: following it backwards, as every
/// delete of its target does, would read the whole table otherwise.
pub(super) fn read(finder: &mut Finder, node: &Node) -> (Lists, Lists) {
    let model = finder.model;
    let of = |wanted: fn(&crate::Field) -> bool| -> Lists {
        model
            .ids()
            .filter(|(_, field)| wanted(field))
            .map(|(id, _)| vec![id])
            .collect()
    };
    let mut uniques = of(|field| field.unique);
    for (list, at) in named(finder, node.get("unique")) {
        let same = |other: &Vec<FieldId>| {
            other.len() == list.len() && list.iter().all(|id| other.contains(id))
        };
        if uniques.iter().any(same) {
            finder
                .source
                .mistake(at, "these fields are unique together already", None);
        } else {
            uniques.push(list);
        }
    }
    let mut indexes = of(|field| field.index && !field.unique);
    for (list, at) in named(finder, node.get("indexes")) {
        if indexes.contains(&list) || uniques.contains(&list) {
            finder
                .source
                .mistake(at, "there is such an index already", None);
        } else {
            indexes.push(list);
        }
    }
    for (id, field) in model.ids() {
        let leads = |lists: &Lists| lists.iter().any(|list| list.first() == Some(&id));
        if matches!(field.kind, Kind::Ref { .. }) && !leads(&uniques) && !leads(&indexes) {
            indexes.push(vec![id]);
        }
    }
    (uniques, indexes)
}

/// The lists whose fields are all known.
fn named(finder: &mut Finder, node: Option<&Node>) -> Vec<(Vec<FieldId>, Place)> {
    let mut lists = Vec::new();
    for list in node.map_or(&[][..], Node::items) {
        let mut ids: Vec<FieldId> = Vec::new();
        let mut whole = !list.items().is_empty();
        for (name, at) in list.texts() {
            let Some((id, field)) = finder.find(name, at) else {
                whole = false;
                continue;
            };
            if field.array || !field.kind.is_ordered() {
                finder.source.mistake(
                    at,
                    format!("`{name}` is {} and has no order", field.kind_name()),
                    None,
                );
                whole = false;
            } else if ids.contains(&id) {
                finder
                    .source
                    .mistake(at, format!("`{name}` stands twice"), None);
                whole = false;
            } else {
                ids.push(id);
            }
        }
        if whole {
            lists.push((ids, list.at));
        }
    }
    lists
}
