//! btsindex catalogues behind-the-scenes footage, and searches it.
//!
//! Modules, from low to high: [`value`] (types of facts), [`clip`] (the field table); the readers
//! and parsers ([`footage`], [`media`], [`sidecar`], [`tag`], [`query`], [`shoot_day`], [`mhl`]); the
//! [`catalogue`] (the source of truth) and its [`index`]; [`scan`] and [`xmp_sync`], which combine
//! them; [`ingest`], [`verify`] and [`safe`]; and at the top [`browse`] and [`report`]. See
//! `ARCHITECTURE.md`.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test that fails should stop"
    )
)]

pub mod atomic_file;
#[cfg(target_os = "linux")]
mod block_device;
pub mod browse;
pub mod cancel;
pub mod catalogue;
pub mod catalogue_query;
pub mod checksum;
pub mod clip;
pub mod desktop;
pub mod error;
pub mod footage;
pub mod index;
pub mod ingest;
mod lock;
pub(crate) mod machine;
pub mod media;
pub mod mhl;
mod offload;
pub mod output;
#[cfg(test)]
mod property_tests;
pub mod query;
pub mod report;
pub mod safe;
pub mod scan;
pub mod shoot_day;
pub mod sidecar;
#[cfg(test)]
mod skipped_tests;
pub mod source_file;
pub mod tag;
pub(crate) mod toml_file;
pub mod value;
pub mod verify;
pub mod volume;
pub(crate) mod xmp_owner;
pub mod xmp_sync;
