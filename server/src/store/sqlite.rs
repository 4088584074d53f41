//! The store on SQLite, inside the process.
