//! A read model's table: its names and the SQL that reads and writes it. Values are always parameters.

use std::cmp::Ordering;

use cqrs::{Compare, Compared, IndexValue, Model, Select, StoreError, StoredRow};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Rows, params_from_iter};

use super::error::in_views;
use super::log_file::rows_max;

/// The table of one build of a model.
pub(crate) struct ModelTable {
    model: Model,
    name: String,
}

/// What a model's row is compared by, without its key.
type Content = (Vec<u8>, Vec<IndexValue>);

impl ModelTable {
    /// The table of `model` in build `number`. The model's names become part of SQL and so must be plain.
    pub(crate) fn of(model: Model, number: u32) -> Result<Self, StoreError> {
        let names = std::iter::once(&model.name).chain(model.indexes);
        for name in names {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                return Err(StoreError::Broken(format!("model {model}: the name {name:?} is not of [a-z_]+")));
            }
        }
        Ok(Self { model, name: table_name(model.name, model.version, number) })
    }

    /// Makes the table. Index columns have no type, so that numbers stay before texts.
    pub(crate) fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        let name = &self.name;
        let columns: String = self.model.indexes.iter().map(|index| format!(", x_{index} NOT NULL")).collect();
        connection.execute_batch(&format!(
            "CREATE TABLE {name} (key TEXT PRIMARY KEY, document BLOB NOT NULL{columns}) WITHOUT ROWID"
        ))
    }

    /// Makes its SQL indexes, unless they are there: one that is filled has them made when it is full.
    pub(crate) fn index(&self, connection: &Connection) -> rusqlite::Result<()> {
        let name = &self.name;
        for index in self.model.indexes {
            connection
                .execute_batch(&format!("CREATE INDEX IF NOT EXISTS {name}_by_{index} ON {name} (x_{index}, key)"))?;
        }
        Ok(())
    }

    pub(crate) fn empty(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&format!("DELETE FROM {}", self.name))
    }

    /// Compares `other`, a build of the same model, with this one. Both are walked in the order of their keys.
    pub(crate) fn compare(&self, other: &Self, connection: &Connection, keys_max: usize) -> rusqlite::Result<Compared> {
        let ordered = |table: &Self| connection.prepare(&format!("{} ORDER BY key", table.columns()));
        let (mut live, mut new) = (ordered(self)?, ordered(other)?);
        let (mut live, mut new) = (live.query([])?, new.query([])?);
        let (mut of_live, mut of_new) = (self.next(&mut live)?, other.next(&mut new)?);
        let mut compared = Compared::default();
        loop {
            let order = match (&of_live, &of_new) {
                (None, None) => return Ok(compared),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((live, _)), Some((new, _))) => live.cmp(new),
            };
            let first = if order.is_le() { of_live.take() } else { None };
            let second = if order.is_ge() { of_new.take() } else { None };
            if let Some((key, _)) = first.as_ref().or(second.as_ref()) {
                compared.see(key, first.as_ref().map(|(_, row)| row), second.as_ref().map(|(_, row)| row), keys_max);
            }
            if order.is_le() {
                of_live = self.next(&mut live)?;
            }
            if order.is_ge() {
                of_new = other.next(&mut new)?;
            }
        }
    }

    fn next(&self, rows: &mut Rows<'_>) -> rusqlite::Result<Option<(String, Content)>> {
        let row = rows.next()?.map(|row| self.row(row)).transpose()?;
        Ok(row.map(|row| (row.key, (row.document, row.indexes))))
    }

    pub(crate) fn upsert(&self, connection: &Connection, rows: &[StoredRow]) -> Result<(), StoreError> {
        let indexes = self.model.indexes;
        let columns: String = indexes.iter().map(|index| format!(", x_{index}")).collect();
        let values: String = (3..3 + indexes.len()).map(|number| format!(", ?{number}")).collect();
        let updates: String = indexes.iter().map(|index| format!(", x_{index} = excluded.x_{index}")).collect();
        let sql = format!(
            "INSERT INTO {} (key, document{columns}) VALUES (?1, ?2{values}) \
             ON CONFLICT (key) DO UPDATE SET document = excluded.document{updates}",
            self.name
        );
        let mut statement = connection.prepare_cached(&sql).map_err(in_views)?;
        for row in rows {
            if row.indexes.len() != indexes.len() {
                return Err(StoreError::Broken(format!(
                    "model {}: row {:?} has {} index values, the model declares {}",
                    self.model,
                    row.key,
                    row.indexes.len(),
                    indexes.len()
                )));
            }
            let fixed: [&dyn ToSql; 2] = [&row.key, &row.document];
            let indexed: Vec<Stored<'_>> = row.indexes.iter().map(Stored).collect();
            let all = fixed.into_iter().chain(indexed.iter().map(|value| value as &dyn ToSql));
            statement.execute(params_from_iter(all)).map_err(in_views)?;
        }
        Ok(())
    }

    pub(crate) fn delete(&self, connection: &Connection, keys: &[String]) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&format!("DELETE FROM {} WHERE key = ?1", self.name))?;
        keys.iter().try_for_each(|key| statement.execute([key]).map(drop))
    }

    pub(crate) fn get(&self, connection: &Connection, keys: &[String]) -> rusqlite::Result<Vec<Option<StoredRow>>> {
        let sql = format!("{} WHERE key = ?1", self.columns());
        let mut statement = connection.prepare_cached(&sql)?;
        let mut get = |key: &String| {
            let mut rows = statement.query([key])?;
            rows.next()?.map(|row| self.row(row)).transpose()
        };
        keys.iter().map(&mut get).collect()
    }

    pub(crate) fn select(&self, connection: &Connection, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        let mut wheres = Wheres::default();
        for condition in &select.conditions {
            let operator = match condition.compare {
                Compare::Equal => "=",
                Compare::AtMost => "<=",
                Compare::AtLeast => ">=",
            };
            wheres.and(&format!("x_{} {operator} ?", self.index_named(condition.index)?), [Stored(&condition.value)]);
        }
        let order = match select.order {
            Some(index) => format!("x_{}, key", self.index_named(index)?),
            None => "key".to_owned(),
        };
        let after_key = select.after.as_ref().map(|(value, key)| (value, IndexValue::Text(key.clone())));
        match (&after_key, select.order) {
            (Some((value, key)), Some(_)) => wheres.and(&format!("({order}) > (?, ?)"), [Stored(value), Stored(key)]),
            (Some((_, key)), None) => wheres.and("key > ?", [Stored(key)]),
            (None, _) => {}
        }
        let first = select.key_prefix.as_ref().map(|prefix| IndexValue::Text(prefix.clone()));
        let end = select.key_prefix.as_deref().and_then(end_of_prefix).map(IndexValue::Text);
        if let Some(first) = &first {
            wheres.and("key >= ?", [Stored(first)]);
        }
        if let Some(end) = &end {
            wheres.and("key < ?", [Stored(end)]);
        }
        let limit = IndexValue::Int(rows_max(select.limit));
        wheres.values.push(Stored(&limit));
        let sql = format!("{}{} ORDER BY {order} LIMIT ?", self.columns(), wheres.sql);
        let mut statement = connection.prepare_cached(&sql).map_err(in_views)?;
        let rows = statement.query_map(params_from_iter(wheres.values), |row| self.row(row)).map_err(in_views)?;
        rows.collect::<rusqlite::Result<_>>().map_err(in_views)
    }

    fn columns(&self) -> String {
        let columns: String = self.model.indexes.iter().map(|index| format!(", x_{index}")).collect();
        format!("SELECT key, document{columns} FROM {}", self.name)
    }

    fn index_named(&self, index: usize) -> Result<&'static str, StoreError> {
        let name = self.model.indexes.get(index).copied();
        name.ok_or_else(|| StoreError::Broken(format!("model {} has no index number {index}", self.model)))
    }

    fn row(&self, row: &Row<'_>) -> rusqlite::Result<StoredRow> {
        let indexes = (0..self.model.indexes.len()).map(|index| Ok(row.get::<_, Owned>(2 + index)?.0));
        let indexes = indexes.collect::<rusqlite::Result<_>>()?;
        Ok(StoredRow { key: row.get(0)?, document: row.get(1)?, indexes })
    }
}

/// The name of the table of one build. The first has the name that tables had before there were others.
fn table_name(name: &str, version: u32, number: u32) -> String {
    match number {
        1 => format!("m_{name}_v{version}"),
        _ => format!("m_{name}_v{version}_b{number}"),
    }
}

/// Drops the table of one build, whose model this program may not know.
pub(crate) fn drop_table(connection: &Connection, name: &str, version: u32, number: u32) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP TABLE IF EXISTS \"{}\"", table_name(name, version, number)))
}

/// Conditions that must all hold, and their values in order.
#[derive(Default)]
struct Wheres<'a> {
    sql: String,
    values: Vec<Stored<'a>>,
}

impl<'a> Wheres<'a> {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Stored<'a>>) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.values.extend(values);
    }
}

/// The first text after every text that starts with `prefix`; none if there is no such text.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut kept = prefix.chars();
    while let Some(last) = kept.next_back() {
        // The range of chars steps over what is no character.
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(format!("{}{next}", kept.as_str()));
        }
    }
    None
}

/// An index value as SQLite keeps it.
///
/// No value is stored as negative infinity: it sorts before every whole number, and unlike NULL it compares.
struct Stored<'a>(&'a IndexValue);

impl ToSql for Stored<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            IndexValue::Null => f64::NEG_INFINITY.into(),
            IndexValue::Int(value) => (*value).into(),
            IndexValue::Text(value) => value.as_str().into(),
        })
    }
}

/// An index value as it was read.
struct Owned(IndexValue);

impl FromSql for Owned {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value {
            ValueRef::Integer(value) => IndexValue::Int(value),
            ValueRef::Text(_) => IndexValue::Text(value.as_str()?.to_owned()),
            ValueRef::Real(_) | ValueRef::Null | ValueRef::Blob(_) => IndexValue::Null,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::end_of_prefix;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        assert_eq!(end_of_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(end_of_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(end_of_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(end_of_prefix("\u{10ffff}"), None);
        assert_eq!(end_of_prefix(""), None);
    }
}
