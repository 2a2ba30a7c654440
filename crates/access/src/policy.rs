//! A model's `access:` rules, decided once for all callers of one standing.

use std::cell::Cell;
use std::sync::Arc;

use model::{
    Action, CallerFact, Comparison, FieldId, Filter, Model, Operand, Rule, System, Test, Value,
};

use crate::{Principal, Scope};

/// What is allowed: which records, which fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Without `$caller`; every statement must hold to it too.
    pub filter: Filter,
    pub fields: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    All,
    /// Sorted.
    Only(Vec<FieldId>),
}

impl Fields {
    pub fn has(&self, field: FieldId) -> bool {
        match self {
            Self::All => true,
            Self::Only(fields) => fields.binary_search(&field).is_ok(),
        }
    }
}

/// What callers with the same roles, with or without a tenant, known or not, may do with one model.
pub struct Policy {
    /// By [`Action`]; nothing where it is denied.
    terms: [Option<Terms>; 4],
}

/// What one action is allowed.
struct Terms {
    /// For all callers alike, or with `$caller` in its filter.
    grant: Arc<Grant>,
    is_personal: bool,
}

impl Policy {
    pub fn of(model: &Model, principal: &Principal) -> Self {
        let terms = |action| {
            decide(model, action, principal).map(|grant| Terms {
                is_personal: asks_for_caller(&grant.filter),
                grant: Arc::new(grant),
            })
        };
        Self {
            terms: [Action::Read, Action::Create, Action::Update, Action::Delete].map(terms),
        }
    }

    pub fn allows(&self, action: Action) -> bool {
        self.terms(action).is_some()
    }

    /// Which fields the action may touch, of whichever records; nothing where it is denied.
    pub fn fields(&self, action: Action) -> Option<&Fields> {
        self.terms(action).map(|terms| &terms.grant.fields)
    }

    /// For this caller, who must be of the standing that the policy was made for.
    pub fn grant(&self, action: Action, principal: &Principal) -> Option<Arc<Grant>> {
        let terms = self.terms(action)?;
        if !terms.is_personal {
            return Some(Arc::clone(&terms.grant));
        }
        let fact = |fact| match fact {
            CallerFact::Id if principal.is_anonymous() => Value::Null,
            CallerFact::Id => Value::Text(principal.id.clone()),
            CallerFact::Tenant => principal.tenant.clone().map_or(Value::Null, Value::Text),
        };
        Some(Arc::new(Grant {
            filter: terms.grant.filter.bind(&fact),
            fields: terms.grant.fields.clone(),
        }))
    }

    /// The same for every caller of the standing; `None` where it is denied or differs from one to the next.
    pub fn shared(&self, action: Action) -> Option<&Arc<Grant>> {
        let terms = self.terms(action)?;
        (!terms.is_personal).then_some(&terms.grant)
    }

    fn terms(&self, action: Action) -> Option<&Terms> {
        let [read, create, update, delete] = &self.terms;
        match action {
            Action::Read => read,
            Action::Create => create,
            Action::Update => update,
            Action::Delete => delete,
        }
        .as_ref()
    }
}

fn asks_for_caller(filter: &Filter) -> bool {
    let asked = Cell::new(false);
    let _ = filter.bind(&|_| {
        asked.set(true);
        Value::Null
    });
    asked.get()
}

/// Rows: those that any rule of the caller's roles admits. Fields: those that *every* such row may show, since an
/// answer has one set of fields. A rule without `where` covers every row, so such rules' fields add up and rules
/// with `where` add nothing; where all rules have one, it is the fields that they share.
///
/// A model with `tenant` shows a caller its own tenant's records, and none to a caller without one; `admin`
/// without a tenant sees all tenants'. A credential that is not good for the action denies it whatever the roles say.
fn decide(model: &Model, action: Action, principal: &Principal) -> Option<Grant> {
    let scope = match action {
        Action::Read => Scope::Read,
        Action::Create | Action::Update | Action::Delete => Scope::Write,
    };
    if !principal.is_good_for(scope) {
        return None;
    }
    let tenant = match (model.system(System::Tenant), &principal.tenant) {
        (None, _) => Filter::True,
        (Some(field), Some(_)) => Filter::Test {
            field,
            test: Test::Compare(Comparison::Eq, Operand::Caller(CallerFact::Tenant)),
        },
        (Some(_), None) if principal.is_admin() => Filter::True,
        (Some(_), None) => return None,
    };
    if principal.is_admin() {
        return Some(Grant {
            filter: tenant,
            fields: Fields::All,
        });
    }
    let applies = |rule: &&Rule| rule.can.contains(&action) && principal.has(&rule.role);
    let mut rules = model.access.iter().filter(applies).peekable();
    rules.peek()?;
    let mut filter = Filter::False;
    let mut everywhere: Option<Fields> = None;
    let mut shared = Fields::All;
    for rule in rules {
        let named = named(model, action, rule);
        if matches!(rule.filter, None | Some(Filter::True)) {
            everywhere = Some(match everywhere {
                None => named.clone(),
                Some(others) => join(others, &named),
            });
        }
        shared = meet(shared, named);
        filter = filter.or(rule.filter.clone().unwrap_or(Filter::True));
    }
    Some(Grant {
        filter: filter.and(tenant),
        fields: everywhere.unwrap_or(shared),
    })
}

/// What the rule opens. `id` and `_version` may always be read.
fn named(model: &Model, action: Action, rule: &Rule) -> Fields {
    let Some(named) = &rule.fields else {
        return Fields::All;
    };
    let mut named = named.clone();
    if action == Action::Read {
        let always = [System::Id, System::Version].into_iter();
        named.extend(always.filter_map(|system| model.system(system)));
    }
    sorted(named)
}

/// What both open.
fn meet(one: Fields, two: Fields) -> Fields {
    match (one, two) {
        (Fields::All, fields) | (fields, Fields::All) => fields,
        (Fields::Only(mut one), Fields::Only(two)) => {
            one.retain(|field| two.contains(field));
            Fields::Only(one)
        }
    }
}

/// What either opens.
fn join(one: Fields, two: &Fields) -> Fields {
    match (one, two) {
        (Fields::Only(mut one), Fields::Only(two)) => {
            one.extend(two);
            sorted(one)
        }
        _ => Fields::All,
    }
}

fn sorted(mut fields: Vec<FieldId>) -> Fields {
    fields.sort_unstable();
    fields.dedup();
    Fields::Only(fields)
}

#[cfg(test)]
mod tests {
    use model::{Field, Kind, ModelOptions};

    use super::*;

    fn model(access: Vec<Rule>) -> Model {
        let field = |name, system| Field {
            system,
            ..Field::new(name, Kind::Text)
        };
        Model {
            name: "Note".to_owned(),
            path: "note".to_owned(),
            about: String::new(),
            was: None,
            fields: vec![
                field("id", Some(System::Id)),
                field("title", None),
                field("body", None),
                field("owner", None),
            ],
            uniques: Vec::new(),
            indexes: Vec::new(),
            options: ModelOptions::default(),
            access,
        }
    }

    fn rule(role: &str, filter: Option<Filter>, fields: Option<&[u16]>) -> Rule {
        let fields = fields.map(|fields| fields.iter().copied().map(FieldId).collect());
        Rule {
            role: role.to_owned(),
            can: vec![Action::Read],
            filter,
            fields,
        }
    }

    fn decided(model: &Model, principal: &Principal) -> Option<Grant> {
        let grant = Policy::of(model, principal).grant(Action::Read, principal);
        grant.map(Arc::unwrap_or_clone)
    }

    /// One decision, bound to each who asks.
    #[test]
    fn callers_of_one_standing_share_a_decision_and_no_record() {
        let of = |id: &str| Principal {
            id: id.to_owned(),
            roles: vec!["writer".to_owned()],
            ..Principal::default()
        };
        let note = model(vec![rule("writer", Some(own()), None)]);
        let policy = Policy::of(&note, &of("a"));
        for id in ["a", "b"] {
            let grant = policy
                .grant(Action::Read, &of(id))
                .map(|grant| grant.filter.clone());
            assert_eq!(
                grant,
                Some(Filter::eq(FieldId(3), Value::Text(id.to_owned())))
            );
        }
    }

    fn own() -> Filter {
        let operand = model::Operand::Caller(CallerFact::Id);
        Filter::Test {
            field: FieldId(3),
            test: model::Test::Compare(model::Comparison::Eq, operand),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    #[test]
    fn rows_are_the_union_and_fields_what_every_rule_opens() {
        let writer = Principal {
            id: "w".to_owned(),
            roles: vec!["writer".to_owned()],
            ..Principal::default()
        };
        let mine = Filter::eq(FieldId(3), Value::Text("w".to_owned()));
        let all = |filter| {
            Some(Grant {
                filter,
                fields: Fields::All,
            })
        };
        let only = |filter, fields: &[u16]| {
            let fields = Fields::Only(fields.iter().copied().map(FieldId).collect());
            Some(Grant { filter, fields })
        };
        let cases = [
            (vec![], &writer, None),
            (vec![rule("other", None, None)], &writer, None),
            (
                vec![rule("writer", Some(own()), None)],
                &writer,
                all(mine.clone()),
            ),
            (
                vec![
                    rule("anyone", None, Some(&[1])),
                    rule("writer", Some(own()), None),
                ],
                &writer,
                only(Filter::True, &[0, 1]),
            ),
            (
                vec![
                    rule("anyone", None, Some(&[1])),
                    rule("writer", None, Some(&[2])),
                    rule("writer", Some(own()), None),
                ],
                &writer,
                only(Filter::True, &[0, 1, 2]),
            ),
            (
                vec![
                    rule("anyone", Some(mine.clone()), Some(&[1, 2])),
                    rule("writer", Some(own()), Some(&[2, 3])),
                ],
                &writer,
                only(Filter::Any(vec![mine.clone(), mine.clone()]), &[0, 2]),
            ),
            (
                vec![rule("anyone", None, Some(&[1])), rule("writer", None, None)],
                &writer,
                all(Filter::True),
            ),
            (
                vec![rule("anyone", Some(own()), None)],
                &Principal::anonymous(),
                all(Filter::False),
            ),
            (vec![], &Principal::admin("a"), all(Filter::True)),
        ];
        for (rules, principal, expected) in cases {
            let decided = decided(&model(rules.clone()), principal);
            assert_eq!(decided, expected, "{rules:?}");
        }
        let policy = Policy::of(&model(vec![rule("writer", None, None)]), &writer);
        assert!(policy.allows(Action::Read) && !policy.allows(Action::Delete));
    }

    #[test]
    fn a_credential_is_good_for_no_more_than_its_scopes() {
        let note = model(Vec::new());
        for (scopes, may) in [
            (None, [true, true]),
            (Some(vec![]), [false, false]),
            (Some(vec![Scope::Read]), [true, false]),
            (Some(vec![Scope::Write]), [true, true]),
        ] {
            let principal = Principal {
                scopes,
                ..Principal::admin("a")
            };
            let policy = Policy::of(&note, &principal);
            let decided = [Action::Read, Action::Delete].map(|action| policy.allows(action));
            assert_eq!(decided, may, "{principal:?}");
        }
    }

    #[test]
    fn a_tenant_sees_its_own() {
        let mut note = model(vec![rule("anyone", None, None)]);
        note.fields.push(Field {
            system: Some(System::Tenant),
            ..Field::new("tenant", Kind::Text)
        });
        let of = |roles: &[&str], tenant: Option<&str>| Principal {
            id: "w".to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            tenant: tenant.map(str::to_owned),
            ..Principal::default()
        };
        let acme = Filter::eq(FieldId(4), Value::Text("acme".to_owned()));
        for (principal, expected) in [
            (of(&[], Some("acme")), Some(acme.clone())),
            (of(&["admin"], Some("acme")), Some(acme)),
            (of(&["admin"], None), Some(Filter::True)),
            (of(&[], None), None),
            (Principal::anonymous(), None),
        ] {
            let fields = Fields::All;
            let expected = expected.map(|filter| Grant { filter, fields });
            assert_eq!(decided(&note, &principal), expected, "{principal:?}");
        }
    }
}
