//! The role that writes, which is not the owner, where the database allows it.

use super::live::Live;
use super::schema::quote;
use crate::{Engine, Error};

/// Of this database alone, since roles belong to the whole server.
fn name(database: &str) -> String {
    let whole = format!("gantry_writer_{database}");
    whole[..whole.floor_char_boundary(63)].to_owned()
}

async fn role_name(live: &mut Live) -> Result<String, Error> {
    let rows = live.rows("SELECT current_database()", &[]).await?;
    let database = rows.into_iter().flatten().flatten().next();
    Ok(name(&database.unwrap_or_default()))
}

/// Makes the role where it is missing; answers what stood in the way.
pub(super) async fn ensure(live: &mut Live) -> Result<Vec<String>, Error> {
    if live.engine() == Engine::Sqlite {
        return Ok(Vec::new());
    }
    let role = role_name(live).await?;
    if exists(live, &role).await? {
        return Ok(Vec::new());
    }
    let own = quote(&role);
    let made = live.run(&format!("CREATE ROLE {own} NOLOGIN")).await;
    let made = match made {
        Ok(()) => live.run(&format!("GRANT {own} TO CURRENT_USER")).await,
        failed => failed,
    };
    Ok(match made {
        Ok(()) => {
            grant(live).await?;
            Vec::new()
        }
        Err(error) => vec![format!(
            "writes run as the owner: the role {role} cannot be made ({error})"
        )],
    })
}

/// New tables too.
pub(super) async fn grant(live: &mut Live) -> Result<(), Error> {
    if live.engine() == Engine::Sqlite {
        return Ok(());
    }
    let role = role_name(live).await?;
    if !exists(live, &role).await? {
        return Ok(());
    }
    let rows = live.rows("SELECT current_schema()", &[]).await?;
    let schema = quote(
        &rows
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .unwrap_or_default(),
    );
    let role = quote(&role);
    live.run(&format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
REVOKE INSERT, UPDATE, DELETE ON gantry_migrations FROM {role}"
    ))
    .await
}

async fn exists(live: &mut Live, role: &str) -> Result<bool, Error> {
    let sql = "SELECT rolname::text FROM pg_roles WHERE rolname = $1::text";
    Ok(!live.rows(sql, &[role]).await?.is_empty())
}
