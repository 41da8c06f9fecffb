//! Cards taken in, and copies verified, as people do it: whole stories, other programs as judges,
//! and every fault that can be made here. `scripts/shoot-day` runs the long forms.

#![cfg(target_os = "linux")]

mod assurance;
mod card;
mod clockless;
mod days;
mod destinations;
mod fates;
mod hosts;
mod judges;
mod killed;
mod many;
mod mapped;
mod names;
mod rescanned;
mod safety;
mod sources;
mod story;
mod together;
mod torn;
mod verified;
mod watched;
