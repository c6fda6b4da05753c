//! Fetching from misbehaving servers, malicious archives, and data directories in every state.
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod archives;
mod data_sets;
mod downloads;
mod server;
