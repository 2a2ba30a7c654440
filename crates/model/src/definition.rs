//! What a model file says, checked: names resolved, system columns in place.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{Filter, Value};

/// All models of a project, with their references resolved.
#[derive(Debug, Clone, Default)]
pub struct Models {
    list: Vec<Arc<Model>>,
    by_name: HashMap<String, usize>,
    by_path: HashMap<String, usize>,
    referrers: HashMap<String, Vec<Referrer>>,
}

/// A field of another model (or the same) that points to a model.
#[derive(Debug, Clone)]
pub struct Referrer {
    pub model: Arc<Model>,
    pub field: FieldId,
    pub on_delete: OnDelete,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// `FilmRole`
    pub name: String,
    /// The table's name and the path's: `film_role`
    pub path: String,
    pub about: String,
    /// The model's earlier name, for a migration that renames.
    pub was: Option<String>,
    /// `id` first, then the declared ones as in the file, then `created_at`, `updated_at`, `created_by`, `_version`,
    /// and where the options ask for them `deleted_at`, `tenant`.
    pub fields: Vec<Field>,
    /// Sets of fields that must be unique together; a field's own `unique: true` is a set of one. `id` is not among them.
    pub uniques: Vec<Vec<FieldId>>,
    /// Indexes over several fields; a field's own `index: true` is a list of one.
    pub indexes: Vec<Vec<FieldId>>,
    pub options: ModelOptions,
    pub access: Vec<Rule>,
}

/// A field's place in [`Model::fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

impl FieldId {
    pub const ID: Self = Self(0);

    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of one field, as the file names them"
)]
pub struct Field {
    pub name: String,
    pub about: String,
    pub kind: Kind,
    /// A list of `kind`, which is a scalar then.
    pub array: bool,
    /// Refuses null, nothing else.
    pub required: bool,
    pub unique: bool,
    pub index: bool,
    /// Found by full-text search.
    pub search: bool,
    /// Letters' case does not count for equality, order and uniqueness.
    pub nocase: bool,
    pub default: Option<Value>,
    /// Bounds of numbers, dates and times, inclusive.
    pub min: Option<Value>,
    pub max: Option<Value>,
    /// Bounds of a text's length in characters, of bytes in bytes, of an array in items (`max: 300`, `min: 1`).
    pub min_len: Option<u32>,
    pub max_len: Option<u32>,
    /// The field's earlier name, for a migration that renames.
    pub was: Option<String>,
    /// Set on the columns that the platform writes.
    pub system: Option<System>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    Id,
    CreatedAt,
    UpdatedAt,
    CreatedBy,
    Version,
    DeletedAt,
    Tenant,
}

impl System {
    pub const ALL: [Self; 7] = [
        Self::Id,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::CreatedBy,
        Self::Version,
        Self::DeletedAt,
        Self::Tenant,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::CreatedBy => "created_by",
            Self::Version => "_version",
            Self::DeletedAt => "deleted_at",
            Self::Tenant => "tenant",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Text,
    Int,
    Float,
    /// Kept as given where `scale` is absent.
    Decimal {
        precision: Option<u32>,
        scale: Option<u32>,
    },
    Bool,
    Uuid,
    Date,
    Time,
    Timestamp,
    Json,
    Bytes,
    Enum(Vec<String>),
    Vector {
        dim: u32,
        metric: Metric,
    },
    Ref {
        model: String,
        on_delete: OnDelete,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Cosine,
    L2,
    Inner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    #[default]
    Restrict,
    Cascade,
    SetNull,
}

impl Field {
    /// A field of this kind with nothing else said.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            about: String::new(),
            kind,
            array: false,
            required: false,
            unique: false,
            index: false,
            search: false,
            nocase: false,
            default: None,
            min: None,
            max: None,
            min_len: None,
            max_len: None,
            was: None,
            system: None,
        }
    }

    /// For people: `text`, `list of int`.
    pub fn kind_name(&self) -> String {
        if self.array {
            format!("a list of {}", self.kind.name())
        } else {
            self.kind.name().to_owned()
        }
    }

    /// The same without bounds and lengths, for values in questions.
    pub(crate) fn unbounded(&self) -> Self {
        let kind = match &self.kind {
            Kind::Decimal { .. } => Kind::Decimal {
                precision: None,
                scale: None,
            },
            kind => kind.clone(),
        };
        Self {
            array: false,
            ..Self::new(&self.name, kind)
        }
    }
}

impl Kind {
    /// As in a model file; `ref` for references.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Float => "float",
            Self::Decimal { .. } => "decimal",
            Self::Bool => "bool",
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Json => "json",
            Self::Bytes => "bytes",
            Self::Enum(_) => "enum",
            Self::Vector { .. } => "vector",
            Self::Ref { .. } => "ref",
        }
    }

    /// Whether values have an order (`gt`, `order=`, unique, index).
    pub fn is_ordered(&self) -> bool {
        !matches!(self, Self::Json | Self::Vector { .. })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of one model, as the file names them"
)]
pub struct ModelOptions {
    pub soft_delete: bool,
    pub tenant: bool,
    /// How old a cached read may be.
    pub cache: Option<Duration>,
    pub graph: bool,
    pub require_if_match: bool,
    /// Its nodes are to be tools of their own: see [`wire::Tools::Auto`].
    pub tools: bool,
}

/// One line of `access:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// `anyone` needs no credential.
    pub role: String,
    pub can: Vec<Action>,
    /// Which records; absent: all.
    pub filter: Option<Filter>,
    /// Which fields may be read or written; absent: all. `id` and `_version` may always be read.
    pub fields: Option<Vec<FieldId>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
}

impl Model {
    pub fn field(&self, id: FieldId) -> &Field {
        &self.fields[id.index()]
    }

    pub fn find(&self, name: &str) -> Option<FieldId> {
        self.find_near(0, name)
    }

    /// The same by way of a guess: names that come in the fields' order are found at once.
    pub fn find_near(&self, guess: usize, name: &str) -> Option<FieldId> {
        let (before, behind) = self.fields.split_at(guess.min(self.fields.len()));
        let mut fields = behind.iter().chain(before);
        let steps = fields.position(|field| field.name == name)?;
        let index = (before.len() + steps) % self.fields.len();
        u16::try_from(index).ok().map(FieldId)
    }

    /// The system column, where the model has it.
    pub fn system(&self, system: System) -> Option<FieldId> {
        let index = self
            .fields
            .iter()
            .position(|field| field.system == Some(system))?;
        u16::try_from(index).ok().map(FieldId)
    }

    /// Every field with its id.
    pub fn ids(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        (0u16..).map(FieldId).zip(&self.fields)
    }
}

impl Models {
    /// Models whose refs all point into the list.
    pub fn new(list: Vec<Arc<Model>>) -> Self {
        let mut models = Self::default();
        for (index, model) in list.iter().enumerate() {
            models.by_name.insert(model.name.clone(), index);
            models.by_path.insert(model.path.clone(), index);
            for (field, definition) in model.ids() {
                if let Kind::Ref {
                    model: target,
                    on_delete,
                } = &definition.kind
                {
                    let referrer = Referrer {
                        model: Arc::clone(model),
                        field,
                        on_delete: *on_delete,
                    };
                    models
                        .referrers
                        .entry(target.clone())
                        .or_default()
                        .push(referrer);
                }
            }
        }
        models.list = list;
        models
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Model>> {
        self.by_name.get(name).map(|index| &self.list[*index])
    }

    pub fn by_path(&self, path: &str) -> Option<&Arc<Model>> {
        self.by_path.get(path).map(|index| &self.list[*index])
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Model>> {
        self.list.iter()
    }

    /// Who points to this model.
    pub fn referrers(&self, name: &str) -> &[Referrer] {
        self.referrers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The model that a ref field points to.
    pub fn target(&self, field: &Field) -> Option<&Arc<Model>> {
        match &field.kind {
            Kind::Ref { model, .. } => self.get(model),
            _ => None,
        }
    }
}
