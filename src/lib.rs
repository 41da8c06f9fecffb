//! btsindex catalogues behind-the-scenes footage and finds the shot again.
//!
//! The pieces, from the bottom: [`value`] (what a fact can be), [`clip`] (the field
//! table), the stages ([`footage`], [`media`], [`sidecar`], [`tag`], [`query`], [`day`], [`offload`], [`mhl`]), the
//! truth ([`catalogue`]) and its view ([`index`]), and [`scan`] and [`exchange`], where the stages meet; above them [`ingest`], [`verify`] and
//! [`safe`], and at the top [`browse`] and [`book`].
//! `ARCHITECTURE.md` draws the picture.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test that fails should stop"
    )
)]

#[cfg(target_os = "linux")]
mod block;
pub mod book;
pub mod browse;
pub mod catalogue;
pub mod checksum;
pub mod clip;
pub mod day;
pub mod desktop;
pub mod error;
pub mod exchange;
pub mod footage;
pub mod index;
pub mod ingest;
pub mod lock;
pub mod media;
pub mod mhl;
pub mod offload;
pub mod original;
pub mod present;
pub mod publish;
pub mod query;
#[cfg(test)]
mod random_tests;
pub mod safe;
pub mod scan;
pub mod sidecar;
pub mod tag;
pub(crate) mod toml_file;
pub mod value;
pub mod verify;
pub(crate) mod xmp_owner;
