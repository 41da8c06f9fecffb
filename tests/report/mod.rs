//! Reports and contact sheets of a whole shoot day, checked as files and in a browser.

#![cfg(unix)]

mod browser;
mod contents;
mod day;
mod large;
