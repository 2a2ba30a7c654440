//! The works as SQL on PostgreSQL: what pgbench and the bare handler run, on tables that Gantry has made.

macro_rules! answered {
    () => {
        "id, title, released::text, gross, rating::text, director, created_at, updated_at, created_by, _version"
    };
}

macro_rules! insert {
    () => {
        "INSERT INTO film (id, title, released, gross, rating, director, created_at, updated_at, created_by, _version) "
    };
}

macro_rules! values {
    () => {
        "VALUES ($1, $2, $3::text::date, $4, $5::text::numeric, $6, now(), now(), 'bench', 1) RETURNING "
    };
}

macro_rules! tell {
    () => {
        "id) INSERT INTO gantry_outbox (model, record, op, version, tenant) SELECT 'Film', id, 'create', 1, NULL FROM w"
    };
}

pub(crate) const READ: &str = concat!("SELECT ", answered!(), " FROM film WHERE id = $1");

/// The bound is text, because PostgreSQL plans a bound LIMIT again for each execution.
pub(crate) const LIST: &str = concat!(
    "SELECT ",
    answered!(),
    " FROM film WHERE gross >= $1 ORDER BY gross DESC NULLS FIRST, id LIMIT 20"
);

/// One film and nothing else: the bare handler's.
pub(crate) const CREATE: &str = concat!(insert!(), values!(), answered!());

/// One film and its outbox row, as Gantry creates it, which knows the answer without asking: pgbench's.
pub(crate) const CREATE_AND_TELL: &str = concat!("WITH w AS (", insert!(), values!(), tell!());

/// Many films and their outbox rows, as Gantry creates them.
pub(crate) const BULK: &str = concat!(
    "WITH w AS (",
    insert!(),
    "SELECT i, t, r::date, g, n::numeric, d, now(), now(), 'bench', 1 FROM \
     unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) AS f(i, t, r, g, n, d) \
     RETURNING ",
    tell!()
);

/// The films that are there before anything is measured, as `work::film` has them.
pub(crate) const FILL: &str = concat!(
    insert!(),
    "SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'The film number ' || n, \
     make_date((1950 + n % 70)::int, (1 + n % 12)::int, (1 + n % 28)::int), n % $films * 1000, \
     (n % 10 || '.' || n % 7)::numeric, 'Director ' || n % 500, now(), now(), 'bench', 1 \
     FROM generate_series(1, $films) AS n"
);

pub(crate) const COPY_FILMS: &str = "COPY film (id, title, released, gross, rating, director, created_at, updated_at, \
     created_by, _version) FROM STDIN";
pub(crate) const COPY_OUTBOX: &str = "COPY gantry_outbox (model, record, op, version) FROM STDIN";
