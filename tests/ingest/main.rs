//! Cards taken in, and copies verified, as people do it: whole stories, other programs as judges,
//! and every fault that can be made here. `scripts/shoot-day` runs the long forms.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that fails should stop, one that cannot run says why"
)]

mod assurance;
mod card;
mod days;
mod destinations;
mod fates;
mod judges;
mod killed;
mod many;
mod names;
#[path = "../shoot/mod.rs"]
mod shoot;
mod sources;
mod story;
mod together;
mod verified;
mod watched;
