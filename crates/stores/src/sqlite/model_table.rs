//! A read model's table: its names and the SQL that reads and writes it. Values are always parameters.

use cqrs::{Compare, IndexValue, Model, Select, StoreError, StoredRow};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::error::in_views;
use super::log_file::rows_max;

/// The table of one version of one model.
pub(crate) struct ModelTable {
    model: Model,
    name: String,
}

impl ModelTable {
    /// The table of `model`, whose names become part of SQL and so must be plain.
    pub(crate) fn of(model: Model) -> Result<Self, StoreError> {
        let names = std::iter::once(&model.name).chain(model.indexes);
        for name in names {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                return Err(StoreError::Broken(format!("model {model}: the name {name:?} is not of [a-z_]+")));
            }
        }
        Ok(Self { model, name: format!("m_{}_v{}", model.name, model.version) })
    }

    /// Makes the table and its SQL indexes. Index columns have no type, so that numbers stay before texts.
    pub(crate) fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        let name = &self.name;
        let columns: String = self.model.indexes.iter().map(|index| format!(", x_{index} NOT NULL")).collect();
        connection.execute_batch(&format!(
            "CREATE TABLE {name} (key TEXT PRIMARY KEY, document BLOB NOT NULL{columns}) WITHOUT ROWID"
        ))?;
        for index in self.model.indexes {
            connection.execute_batch(&format!("CREATE INDEX {name}_by_{index} ON {name} (x_{index}, key)"))?;
        }
        Ok(())
    }

    pub(crate) fn drop(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {}", self.name))
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
            wheres.and(&format!("x_{} {operator} ?", self.index(condition.index)?), [Stored(&condition.value)]);
        }
        let order = match select.order {
            Some(index) => format!("x_{}, key", self.index(index)?),
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

    fn index(&self, index: usize) -> Result<&'static str, StoreError> {
        let name = self.model.indexes.get(index).copied();
        name.ok_or_else(|| StoreError::Broken(format!("model {} has no index number {index}", self.model)))
    }

    fn row(&self, row: &Row<'_>) -> rusqlite::Result<StoredRow> {
        let indexes = (0..self.model.indexes.len()).map(|index| Ok(row.get::<_, Owned>(2 + index)?.0));
        let indexes = indexes.collect::<rusqlite::Result<_>>()?;
        Ok(StoredRow { key: row.get(0)?, document: row.get(1)?, indexes })
    }
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
