//! The screen of `btsindex browse`: what is asked and chosen (`state`), what keys do to it
//! (`keys`), how it is drawn (`view`), what the catalogue answers (`shelf`) and the loop
//! that joins them (`turns`). The first three know neither terminal nor catalogue, so that
//! they can be tested without.

mod backend;
mod event_loop;
mod keys;
mod line_editor;
mod posters;
mod state;
mod terminal;
mod view;

pub use event_loop::{Ending, run};
