//! A model's `access:` rules, decided for one caller and one action.

use model::{Action, CallerFact, FieldId, Filter, Model, Rule, System, Value};

use crate::Principal;

#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Denied,
    Allowed(Grant),
}

/// What is allowed: which records, which fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Without `$caller`; to be ANDed to every statement.
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

pub struct Policy;

impl Policy {
    /// Rows: those that any rule of the caller's roles admits. Fields: those that *every* such rule names, so that a
    /// field opened for some rows only is not seen in others; a single rule that names none opens all.
    ///
    /// A model with `tenant` shows a caller its own tenant's records, and none to a caller without one; `admin`
    /// without a tenant sees all tenants'.
    pub fn decide(model: &Model, action: Action, principal: &Principal) -> Decision {
        let tenant = match (model.system(System::Tenant), &principal.tenant) {
            (None, _) => Filter::True,
            (Some(field), Some(tenant)) => Filter::eq(field, Value::Text(tenant.clone())),
            (Some(_), None) if principal.is_admin() => Filter::True,
            (Some(_), None) => return Decision::Denied,
        };
        if principal.is_admin() {
            return Decision::Allowed(Grant {
                filter: tenant,
                fields: Fields::All,
            });
        }
        let applies = |rule: &&Rule| rule.can.contains(&action) && principal.has(&rule.role);
        let mut rules = model.access.iter().filter(applies).peekable();
        if rules.peek().is_none() {
            return Decision::Denied;
        }
        let fact = |fact| match fact {
            CallerFact::Id if principal.is_anonymous() => Value::Null,
            CallerFact::Id => Value::Text(principal.id.clone()),
            CallerFact::Tenant => principal.tenant.clone().map_or(Value::Null, Value::Text),
        };
        let mut filter = Filter::False;
        let mut fields = Fields::All;
        let mut unrestricted = false;
        for rule in rules {
            let rows = rule
                .filter
                .as_ref()
                .map_or(Filter::True, |filter| filter.bind(&fact));
            unrestricted |= rule.fields.is_none() && rows == Filter::True;
            filter = filter.or(rows);
            fields = meet(fields, rule.fields.as_deref());
        }
        if unrestricted {
            fields = Fields::All;
        }
        Decision::Allowed(Grant {
            filter: filter.and(tenant),
            fields,
        })
    }
}

/// What both allow. `id` and `_version` may always be read, and stand first.
fn meet(fields: Fields, named: Option<&[FieldId]>) -> Fields {
    match (fields, named) {
        (fields, None) => fields,
        (Fields::All, Some(named)) => {
            let mut named = named.to_vec();
            named.sort_unstable();
            named.dedup();
            Fields::Only(named)
        }
        (Fields::Only(mut fields), Some(named)) => {
            fields.retain(|field| named.contains(field));
            Fields::Only(fields)
        }
    }
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

    fn own() -> Filter {
        let operand = model::Operand::Caller(CallerFact::Id);
        Filter::Test {
            field: FieldId(3),
            test: model::Test::Compare(model::Comparison::Eq, operand),
        }
    }

    #[test]
    fn rows_are_the_union_and_fields_what_every_rule_opens() {
        let writer = Principal {
            id: "w".to_owned(),
            roles: vec!["writer".to_owned()],
            tenant: None,
        };
        let mine = Filter::eq(FieldId(3), Value::Text("w".to_owned()));
        let all = |filter| {
            Decision::Allowed(Grant {
                filter,
                fields: Fields::All,
            })
        };
        let only = |filter, fields: &[u16]| {
            let fields = Fields::Only(fields.iter().copied().map(FieldId).collect());
            Decision::Allowed(Grant { filter, fields })
        };
        let cases = [
            (vec![], &writer, Decision::Denied),
            (vec![rule("other", None, None)], &writer, Decision::Denied),
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
                only(Filter::True, &[1]),
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
            assert_eq!(
                Policy::decide(&model(rules.clone()), Action::Read, principal),
                expected,
                "{rules:?}"
            );
        }
        assert_eq!(
            Policy::decide(
                &model(vec![rule("writer", None, None)]),
                Action::Delete,
                &writer
            ),
            Decision::Denied
        );
    }
}

#[cfg(test)]
mod tests {
    use model::{CallerFact, Comparison, Field, Kind, ModelOptions, Operand, Test};

    use super::*;

    fn field(name: &str, system: Option<System>) -> Field {
        Field {
            system,
            ..Field::new(name, Kind::Text)
        }
    }

    /// `id, title, owner, secret, _version` and, where asked for, `tenant`.
    fn note(tenant: bool, access: Vec<Rule>) -> Model {
        let mut fields = vec![
            field("id", Some(System::Id)),
            field("title", None),
            field("owner", None),
            field("secret", None),
            field("_version", Some(System::Version)),
        ];
        if tenant {
            fields.push(field("tenant", Some(System::Tenant)));
        }
        Model {
            name: "Note".to_owned(),
            path: "note".to_owned(),
            about: String::new(),
            was: None,
            fields,
            uniques: Vec::new(),
            indexes: Vec::new(),
            options: ModelOptions {
                tenant,
                ..ModelOptions::default()
            },
            access,
        }
    }

    fn rule(role: &str, filter: Option<Filter>, fields: Option<&[u16]>) -> Rule {
        Rule {
            role: role.to_owned(),
            can: vec![Action::Read],
            filter,
            fields: fields.map(|fields| fields.iter().copied().map(FieldId).collect()),
        }
    }

    fn own() -> Filter {
        Filter::Test {
            field: FieldId(2),
            test: Test::Compare(Comparison::Eq, Operand::Caller(CallerFact::Id)),
        }
    }

    fn who(id: &str, roles: &[&str], tenant: Option<&str>) -> Principal {
        Principal {
            id: id.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            tenant: tenant.map(str::to_owned),
        }
    }

    fn mine(id: &str) -> Filter {
        Filter::eq(FieldId(2), Value::Text(id.to_owned()))
    }

    fn titled(text: &str) -> Filter {
        Filter::eq(FieldId(1), Value::Text(text.to_owned()))
    }

    fn fields(ids: &[u16]) -> FieldSet {
        FieldSet::only(ids.iter().copied().map(FieldId).collect())
    }

    #[test]
    fn rules_decide_by_role() {
        let check =
            |access: Vec<Rule>, principal: Principal, expected: Option<(Filter, FieldSet)>| {
                let expected = expected.map_or(Decision::Denied, |(filter, fields)| {
                    Decision::Allowed(Grant { filter, fields })
                });
                let (policy, model) = (Policy::default(), note(false, access));
                for _ in 0..2 {
                    let decision = policy.decide(&model, Action::Read, &principal);
                    assert_eq!(decision, expected, "{principal:?}");
                }
                if !principal.is_admin() {
                    let create = policy.decide(&model, Action::Create, &principal);
                    assert_eq!(create, Decision::Denied);
                }
            };
        let all = Some((Filter::True, FieldSet::All));
        check(vec![], who("a", &["editor"], None), None);
        check(vec![], who("a", &["admin"], None), all.clone());
        check(
            vec![rule("anyone", None, None)],
            Principal::anonymous(),
            all.clone(),
        );
        check(
            vec![rule("editor", None, None)],
            Principal::anonymous(),
            None,
        );
        // A filter by the caller admits nothing to strangers.
        let editor = || rule("anyone", Some(own()), None);
        check(
            vec![editor()],
            who("ada", &[], None),
            Some((mine("ada"), FieldSet::All)),
        );
        check(
            vec![editor()],
            Principal::anonymous(),
            Some((Filter::False, FieldSet::All)),
        );
        // Two filters are joined by or; only the fields that both allow may be seen in all those records.
        let two = vec![
            rule("anyone", Some(titled("x")), Some(&[1, 3])),
            rule("anyone", Some(own()), Some(&[1, 2])),
        ];
        let either = Filter::Any(vec![titled("x"), mine("ada")]);
        check(
            two,
            who("ada", &[], None),
            Some((either, fields(&[0, 1, 4]))),
        );
        // Rules without filter cover every record: their fields add up, a filtered rule's do not.
        let three = vec![
            rule("anyone", None, Some(&[1])),
            rule("editor", None, Some(&[2])),
            rule("anyone", Some(own()), None),
        ];
        let wide = Some((Filter::True, fields(&[0, 1, 2, 4])));
        check(three, who("ada", &["editor"], None), wide);
    }

    #[test]
    fn a_tenant_sees_its_own() {
        let model = note(true, vec![rule("anyone", None, None)]);
        let within = |name: &str| Filter::eq(FieldId(5), Value::Text(name.to_owned()));
        for (principal, expected) in [
            (who("a", &[], Some("acme")), within("acme")),
            (who("a", &[], None), Filter::False),
            (Principal::anonymous(), Filter::False),
            (who("a", &["admin"], Some("acme")), within("acme")),
            (who("a", &["admin"], None), Filter::True),
        ] {
            let decision = Policy::default().decide(&model, Action::Read, &principal);
            let expected = Grant {
                filter: expected,
                fields: FieldSet::All,
            };
            assert_eq!(decision, Decision::Allowed(expected), "{principal:?}");
        }
    }
}
