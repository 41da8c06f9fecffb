//! Reports and contact sheets as people use them: made of a whole shoot day, and read in a browser.

#![cfg(unix)]

mod browser;
mod contents;
mod day;
mod large;
