//! Tests of `ingest`, `verify`, `safe` and watched folders: complete runs, checks by other
//! programs, and every failure that can be provoked here. `scripts/shoot-day` runs longer versions
//! of some tests.

#![cfg(target_os = "linux")]

mod cameras_without_clock;
mod card;
mod changing_files;
mod complete_ingest;
mod concurrent_ingests;
mod day_files;
mod failing_cards;
mod failing_destinations;
mod false_success;
mod file_names;
mod killed_ingests;
mod manifests;
mod mapped_pages;
mod memory;
mod reference_tools;
mod repeated_ingests;
mod safety;
mod scanned_copies;
mod several_machines;
mod verify;
mod watch;
