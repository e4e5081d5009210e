//! Event stores and read stores: the adapters behind the ports of `cqrs`. They know no context.
//!
//! * [`sqlite`]: one folder of SQLite files, for one process on one machine. Start at [`sqlite::SqliteFolder`].
//!
//! Every store passes the same contract suites, `cqrs::testkit::event_store_contract` and `read_store_contract`.

pub mod sqlite;
