//! The builds of a model in `views.db`: which there are, which one is live, how far each has read and what is parked in it.

use cqrs::{
    Build, BuildInfo, Epoch, Model, ModelChange, ParkedStream, PartitionId, Position, Role, StoreError, StreamName,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::error::in_views;
use super::log_file::whole;
use super::model_table::{ModelTable, drop_table};

/// The tables that have rows of a build beside its own.
const ABOUT_BUILDS: [&str; 2] = ["read_up_to", "parked"];

/// The number of the build that `model` means, if it is there.
pub(super) fn number(connection: &Connection, model: Model) -> rusqlite::Result<Option<u32>> {
    let (sql, number) = match model.build {
        Build::Live => ("SELECT build FROM builds WHERE name = ?1 AND version = ?2 AND role = 'live' AND ?3 = 0", 0),
        Build::Number(number) => ("SELECT build FROM builds WHERE name = ?1 AND version = ?2 AND build = ?3", number),
    };
    connection.prepare_cached(sql)?.query_row((model.name, model.version, number), |row| row.get(0)).optional()
}

/// The number of the build that `model` means, and its table.
pub(super) fn table(connection: &Connection, model: Model) -> Result<Option<(u32, ModelTable)>, StoreError> {
    let number = number(connection, model).map_err(in_views)?;
    number.map(|number| Ok((number, ModelTable::of(model, number)?))).transpose()
}

/// As [`table`], for a build that must be there.
pub(super) fn found(connection: &Connection, model: Model) -> Result<(u32, ModelTable), StoreError> {
    let missing = || StoreError::Broken(format!("{model} is not there, or not for this log: a fault of the caller"));
    table(connection, model)?.ok_or_else(missing)
}

/// Every build of `name`, by version and number.
pub(super) fn all(connection: &Connection, name: &str) -> rusqlite::Result<Vec<BuildInfo>> {
    let sql = "SELECT version, build, epoch, indexes, role FROM builds WHERE name = ?1 ORDER BY version, build";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([name], info)?.collect()
}

fn info(row: &Row<'_>) -> rusqlite::Result<BuildInfo> {
    let indexes: String = row.get(3)?;
    let role = match row.get_ref(4)?.as_str()? {
        "live" => Role::Live,
        "shadow" => Role::Shadow,
        "kept" => Role::Kept,
        other => return Err(rusqlite::Error::FromSqlConversionFailure(4, Type::Text, format!("role {other}").into())),
    };
    Ok(BuildInfo {
        version: row.get(0)?,
        number: row.get(1)?,
        epoch: Epoch(Uuid::from_bytes(row.get(2)?)),
        indexes: indexes.split(',').filter(|index| !index.is_empty()).map(ToOwned::to_owned).collect(),
        role,
    })
}

/// Adds an empty build with its table; returns its number.
pub(super) fn add(connection: &Connection, model: Model, epoch: Epoch, role: &str) -> Result<u32, StoreError> {
    let sql = "SELECT coalesce(max(build), 0) + 1 FROM builds WHERE name = ?1 AND version = ?2";
    let number: u32 = connection.query_row(sql, (model.name, model.version), |row| row.get(0)).map_err(in_views)?;
    ModelTable::of(model, number)?.create(connection).map_err(in_views)?;
    let row = (model.name, model.version, number, epoch.0.into_bytes(), model.indexes.join(","), role);
    connection.execute("INSERT INTO builds VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).map_err(in_views)?;
    Ok(number)
}

/// Drops a build with all that is in it.
pub(super) fn drop_build(connection: &Connection, name: &str, version: u32, number: u32) -> rusqlite::Result<()> {
    drop_table(connection, name, version, number)?;
    forget(connection, name, version, number)?;
    connection
        .execute("DELETE FROM builds WHERE name = ?1 AND version = ?2 AND build = ?3", (name, version, number))?;
    Ok(())
}

/// Forgets how far a build has read, and what is parked in it.
pub(super) fn forget(connection: &Connection, name: &str, version: u32, number: u32) -> rusqlite::Result<()> {
    for table in ABOUT_BUILDS {
        let sql = format!("DELETE FROM {table} WHERE name = ?1 AND version = ?2 AND build = ?3");
        connection.prepare_cached(&sql)?.execute((name, version, number))?;
    }
    Ok(())
}

/// Makes build `number` live; see the contract for what becomes of the others.
pub(super) fn swap(connection: &Connection, model: Model, number: u32) -> rusqlite::Result<()> {
    let builds = all(connection, model.name)?;
    let place = |build: &BuildInfo| (build.version, build.number);
    let new = (model.version, number);
    let live = builds.iter().filter(|build| build.role == Role::Live && build.version <= model.version);
    let before = live.map(place).filter(|place| *place != new).max();
    let mut set =
        connection.prepare_cached("UPDATE builds SET role = ?1 WHERE name = ?2 AND version = ?3 AND build = ?4")?;
    for build in &builds {
        if Some(place(build)) == before {
            // What another version reads stays live for a process of that version.
            if build.version == model.version {
                set.execute(("kept", model.name, build.version, build.number))?;
            }
        } else if place(build) != new && build.role != Role::Shadow && build.version <= model.version {
            drop_build(connection, model.name, build.version, build.number)?;
        }
    }
    set.execute(("live", model.name, model.version, number)).map(drop)
}

pub(super) fn checkpoints(
    connection: &Connection,
    model: Model,
    number: u32,
) -> rusqlite::Result<Vec<(PartitionId, Position)>> {
    let sql =
        "SELECT partition, position FROM read_up_to WHERE name = ?1 AND version = ?2 AND build = ?3 ORDER BY partition";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((model.name, model.version, number), |row| {
        let position: i64 = row.get(1)?;
        Ok((PartitionId(row.get(0)?), position.unsigned_abs()))
    });
    rows?.collect()
}

pub(super) fn parked(connection: &Connection, model: Model, number: u32) -> rusqlite::Result<Vec<ParkedStream>> {
    let sql = "SELECT stream, partition, position, stream_version, cause, waiting FROM parked \
               WHERE name = ?1 AND version = ?2 AND build = ?3 ORDER BY stream";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((model.name, model.version, number), |row| {
        let [position, version, waiting] = [row.get::<_, i64>(2)?, row.get(3)?, row.get(5)?].map(i64::unsigned_abs);
        let stream = StreamName::stored(row.get_ref(0)?.as_str()?);
        Ok(ParkedStream { stream, partition: PartitionId(row.get(1)?), position, version, cause: row.get(4)?, waiting })
    });
    rows?.collect()
}

/// Writes how far the build has read now, and what is parked in it or no longer.
pub(super) fn save(connection: &Connection, change: &ModelChange, number: u32) -> rusqlite::Result<()> {
    let Model { name, version, .. } = change.model;
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO read_up_to VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (partition, position) in &change.checkpoints {
        statement.execute((name, version, number, partition.0, whole(*position)))?;
    }
    if !change.parked.is_empty() {
        let sql = "INSERT OR REPLACE INTO parked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let mut statement = connection.prepare_cached(sql)?;
        for parked in &change.parked {
            let ParkedStream { stream, partition, position, version: at, cause, waiting } = parked;
            let [position, at, waiting] = [*position, *at, *waiting].map(whole);
            statement.execute((name, version, number, stream.as_str(), partition.0, position, at, cause, waiting))?;
        }
    }
    for stream in &change.released {
        let sql = "DELETE FROM parked WHERE name = ?1 AND version = ?2 AND build = ?3 AND stream = ?4";
        connection.prepare_cached(sql)?.execute((name, version, number, stream.as_str()))?;
    }
    Ok(())
}
